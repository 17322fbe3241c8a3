/** `bagpiper doctor`: checks the machine and the installation, one line each, with what to do about it. */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { isAddress } from '../endpoints/index.js';
import { messageOf } from '../errors.js';
import type { Context } from './context.js';
import { EXIT } from './failure.js';
import { type Finding, finding } from './finding.js';
import type { ServerFlags } from './options.js';

interface DoctorFlags extends ServerFlags {
  model?: string;
  json?: boolean;
}

export async function doctor(flags: DoctorFlags, context: Context): Promise<void> {
  const { screen } = context;
  const checks = [node, machine, runtime, devices, ffmpeg, () => model(flags, context), folder];
  const findings: Finding[] = [];
  for (const check of checks) {
    for (const finding of [await check()].flat()) {
      findings.push(finding);
      if (!flags.json) await screen.result(line(finding, context));
    }
  }
  if (flags.json) await screen.result(JSON.stringify(findings));
  if (findings.some(({ verdict }) => verdict === 'fail')) context.fail(EXIT.failed);
}

function line({ check, verdict, found, advice }: Finding, { screen }: Context): string {
  const style = verdict === 'ok' ? 'green' : verdict === 'warn' ? 'yellow' : 'red';
  return `${screen.style(style, verdict.padEnd(4))}  ${check.padEnd(12)}  ${found}${advice === '' ? '' : `; ${advice}`}`;
}

function node(): Finding {
  const { node: version } = process.versions;
  if (Number(version.split('.')[0]) >= 20) return finding('Node', 'ok', version);
  return finding('Node', 'fail', version, 'Node 20 or newer is needed: install it from nodejs.org');
}

function machine(): Finding {
  const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  const found = `${availableParallelism()} cores, ${gigabytes(freemem())} of ${gigabytes(totalmem())} memory free`;
  if (freemem() > 0.5e9) return finding('machine', 'ok', found);
  return finding('machine', 'warn', found, 'the small model needs about 0.3 GB, training 3 GB: end other programs');
}

/** Loads ONNX Runtime and runs 2 + 3. */
async function runtime(): Promise<Finding> {
  try {
    const [{ Graph, add }, { Session }] = await Promise.all([
      import('../graph/index.js'),
      import('../runtime/index.js'),
    ]);
    const graph = new Graph();
    graph.output('sum', add(graph.input('a', 'float32', [1]), graph.input('b', 'float32', [1])));
    const session = await Session.create(graph, { threads: 1 });
    const of = (x: number) => ({ data: Float32Array.of(x), dims: [1] });
    const { sum } = await session.run({ a: of(2), b: of(3) });
    await session.release();
    if (Number(sum.data[0]) === 5) return finding('ONNX Runtime', 'ok', 'loads and computes');
    return finding('ONNX Runtime', 'fail', `2 + 3 gave ${sum.data[0]}`, 'install the packages again: npm ci');
  } catch (error) {
    const advice = 'install the packages again: npm ci --ignore-scripts';
    return finding('ONNX Runtime', 'fail', messageOf(error), advice);
  }
}

/** Graphics processors: none is needed. One line, so that those who have none read one. */
async function devices(): Promise<Finding> {
  const { DEVICES, reportDevice } = await import('../runtime/device.js');
  const found: string[] = [];
  for (const device of DEVICES) {
    const { about } = await reportDevice(device);
    found.push(`${device}: ${about}`);
  }
  return finding('devices', 'ok', found.join('; '));
}

function ffmpeg(): Finding {
  const { status, stdout } = spawnSync('ffmpeg', ['-version'], { encoding: 'utf8', timeout: 10_000 });
  const version = /version (\S+)/.exec(stdout ?? '')?.[1];
  if (status === 0) return finding('ffmpeg', 'ok', version ?? 'installed');
  return finding('ffmpeg', 'warn', 'not installed', 'needed for M4A, AAC and other rare formats only');
}

/** A folder's one finding, or one for each server. */
async function model(flags: DoctorFlags, context: Context): Promise<Finding | Finding[]> {
  const path = flags.model;
  try {
    if (isAddress(path ?? '')) return await (await import('./server.js')).serverFindings(path!, flags, context);
    const { modelSource } = await import('../tasks/bagpiper.js');
    const source = modelSource(path);
    const { openModel } = await import('../model/bagpiper.js');
    const { parameters, codec } = openModel(source);
    const found = `${source}, ${(parameters / 1e6).toFixed(1)}M parameters`;
    if (codec) return finding('model', 'ok', found);
    return finding('model', 'warn', found, 'it has no codec: it describes and answers, but does not render');
  } catch (error) {
    return finding('model', 'fail', messageOf(error).replace(/\.$/, ''));
  }
}

/** Whether results can be written where the user stands: into out/ where it exists. */
function folder(): Finding {
  const target = existsSync('out') ? 'out' : '.';
  const file = join(target, `.bagpiper-${process.pid}.tmp`);
  try {
    writeFileSync(file, 'x');
    rmSync(file);
    return finding('folder', 'ok', `${join(process.cwd(), target === '.' ? '' : target)} is writable`);
  } catch (error) {
    return finding('folder', 'fail', messageOf(error), 'go to a folder that you may write to, or free some space');
  }
}
