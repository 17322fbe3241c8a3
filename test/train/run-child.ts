/**
 * A tiny training run in a process of its own, for resume.test.ts: `run-child.ts OUT STEPS [OPERATION COUNT MOMENT]`.
 * Where an operation is named ("writeSync 30 torn"), the process kills itself with SIGKILL at that call of node:fs: before
 * it, after it, or halfway through a write. It saves a checkpoint after every step.
 */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

type Call = (...args: unknown[]) => unknown;

const [out, steps, operation, count, moment] = process.argv.slice(2);

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function arm(name: string): void {
  const functions = fs as unknown as Record<string, Call>;
  const real = functions[name];
  let calls = 0;
  functions[name] = (...args) => {
    if (++calls !== Number(count)) return real(...args);
    if (moment === 'torn') {
      const [descriptor, bytes, offset, length, ...rest] = args as [number, Uint8Array, number, number];
      real(descriptor, bytes, offset, length >> 1, ...rest);
    } else if (moment === 'after') real(...args);
    return die();
  };
  syncBuiltinESMExports();
}

const { tinyRun } = await import('./tiny-run.js');
if (operation) arm(operation);
await tinyRun(out, Number(steps), (step) => process.stdout.write(`${step}\n`));
