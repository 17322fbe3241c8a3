import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { tinyRun } from './tiny-run.js';

const STEPS = 9;
const child = fileURLToPath(new URL('./run-child.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bagpiper-resume-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs the child until it ends or dies; `watch` may kill it. */
function run(out: string, args: readonly string[], watch?: (step: number, kill: () => void) => void) {
  return new Promise<NodeJS.Signals | null>((resolve, reject) => {
    const process_ = spawn(process.execPath, ['--import', 'tsx', child, out, String(STEPS), ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    process_.stdout.on('data', (text: Buffer) => {
      watch?.(Number(String(text).trim().split('\n').at(-1)), () => process_.kill('SIGKILL'));
    });
    process_.on('error', reject);
    process_.on('close', (code, signal) => (code ? reject(new Error(`the child failed: ${code}`)) : resolve(signal)));
  });
}

const results = (out: string) => ({
  log: readFileSync(join(out, 'log.jsonl'), 'utf8'),
  checkpoint: readFileSync(join(out, 'checkpoint.safetensors')),
});

describe('a run that is killed with SIGKILL', () => {
  let whole: ReturnType<typeof results>;
  beforeAll(async () => {
    const out = join(folder, 'whole');
    await tinyRun(out, STEPS);
    whole = results(out);
    expect(whole.log.trim().split('\n')).toHaveLength(STEPS);
  });

  async function finishes(out: string): Promise<void> {
    const { finished } = await tinyRun(out, STEPS);
    expect(finished).toBe(true);
    const { log, checkpoint } = results(out);
    expect(log).toBe(whole.log);
    expect(checkpoint.equals(whole.checkpoint)).toBe(true);
    expect(readdirSync(out).sort()).toEqual(['checkpoint.safetensors', 'log.jsonl']);
  }

  // A step writes its line (write, fsync) and a checkpoint: open, 85 writes, fsync, rename.
  it.each([
    ['halfway through a line of the log', 'within a checkpoint', 'writeSync 1 torn', 'writeSync 60 torn'],
    ['before a checkpoint takes its name', 'after it took it', 'renameSync 1 before', 'renameSync 2 after'],
    ['after the log was cut to resume', 'after a flush', 'ftruncateSync 1 after', 'fsyncSync 6 after'],
  ])('%s, and again %s', async (_, __, first, second) => {
    const out = join(folder, first.replaceAll(' ', '-'));
    for (const kill of [first, second]) expect(await run(out, kill.split(' '))).toBe('SIGKILL');
    await finishes(out);
  });

  it('at moments that the clock decides', async () => {
    const random = new Random('moments');
    const out = join(folder, 'moments');
    for (const after of [2, 5]) {
      const delay = random.int(25);
      await run(out, [], (step, kill) => {
        if (step >= after) setTimeout(kill, delay);
      });
    }
    await finishes(out);
  });
});
