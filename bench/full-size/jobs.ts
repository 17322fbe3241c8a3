/** Each measurement runs in a process of its own, so that memory is that of one thing alone and nothing disturbs another. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { BagpiperError } from '../../src/errors.js';
import type { BareRates } from './bare.js';
import type { EngineRates } from './engine-job.js';
import type { LlamaRates } from './llama.js';
import { type Memory, MemoryWatch } from './memory.js';
import type { NetworkRates } from './networks.js';
import type { JobSettings } from './scale.js';

/** What each job gives. */
export interface Results {
  /** bytes a second */
  bandwidth: number;
  bare: BareRates;
  engine: EngineRates;
  networks: NetworkRates;
  llama: LlamaRates;
}

export type JobName = keyof Results;

export type ToJob = { name: JobName; settings: JobSettings };
export type FromJob<Name extends JobName = JobName> = { result: Results[Name] } | { failure: string };

export interface JobOutcome<Result> {
  result: Result;
  /** the most that the process had; undefined where the system does not tell */
  memory: Memory | undefined;
}

/** @throws BagpiperError with what the process said when it failed */
export async function runJob<Name extends JobName>(
  name: Name,
  settings: JobSettings,
): Promise<JobOutcome<Results[Name]>> {
  const child = fork(fileURLToPath(new URL('./job.ts', import.meta.url)), [], {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const watch = new MemoryWatch(child.pid!);
  let errors = '';
  child.stderr!.on('data', (data) => {
    errors = `${errors}${data}`.slice(-2000);
  });
  try {
    const answer = await new Promise<FromJob<Name>>((resolve, reject) => {
      child.once('message', (message) => resolve(message as FromJob<Name>));
      child.once('error', reject);
      child.once('close', (code, signal) => {
        const end = signal ? `was ended by ${signal}` : `ended with ${code}`;
        reject(new BagpiperError(`The process that measured "${name}" ${end}: ${errors.trim() || 'it said nothing.'}`));
      });
      child.send({ name, settings } satisfies ToJob);
    });
    if ('failure' in answer) throw new BagpiperError(`Measuring "${name}" failed: ${answer.failure}`);
    return { result: answer.result, memory: watch.stop() };
  } finally {
    watch.stop();
    child.removeAllListeners('close');
    if (child.exitCode === null && child.signalCode === null) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await gone;
    }
  }
}
