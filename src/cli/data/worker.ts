/** `bagpiper data worker --queue redis://...`: works on records of any run, until it is told to end. */
import type { QueueHealth, WorkerSaid } from '../../data/queue/index.js';
import type { Context } from '../context.js';
import { number } from './progress.js';
import { queueAddress } from './queue.js';

export interface WorkerFlags {
  queue?: string;
  jobs?: number;
  lostAfter?: number;
  list?: boolean;
  json?: boolean;
}

/** Prints how many records it worked on when it ends. Interrupted, it finishes what is in hand: exit code 0. */
export async function dataWorker(flags: WorkerFlags, context: Context): Promise<void> {
  const { screen, signal, io } = context;
  const address = queueAddress(flags, context);
  if (flags.list) {
    const { queueHealth } = await import('../../data/queue/index.js');
    const health = await queueHealth(address);
    if (flags.json) await screen.result(JSON.stringify(health));
    else for (const line of healthLines(health)) await screen.result(line);
    return;
  }
  const [{ runWorker }, { openStage }] = await Promise.all([
    import('../../data/queue/index.js'),
    import('../../data/stages.js'),
  ]);
  const { jobs, lostAfter } = flags;
  const done = await runWorker(address, {
    open: (spec) => openStage(spec, { env: io.env }),
    signal,
    onProgress: (said) => screen.progress(saidLine(said)),
    warn: (text) => screen.warn(text),
    ...(jobs !== undefined && { jobs }),
    ...(lostAfter !== undefined && { lostAfter }),
  });
  screen.clearProgress();
  context.ended?.();
  await screen.result(flags.json ? JSON.stringify({ done }) : `${number(done)} records.`);
}

function saidLine({ done, inHand, draining }: WorkerSaid): string {
  return `${number(done)} records, ${inHand} in hand${draining ? '; no more are taken' : ''}`;
}

function healthLines({ workers, waiting, active }: QueueHealth): string[] {
  const lines = Object.values(workers).map(({ host, pid, version, jobs, ...said }) => {
    return `${host}/${pid} (bagpiper ${version}, ${jobs} jobs): ${saidLine({ host, pid, version, jobs, ...said })}`;
  });
  return [
    ...lines,
    `${lines.length} worker${lines.length === 1 ? '' : 's'}; ${number(waiting)} records waiting, ${number(active)} in hand`,
  ];
}
