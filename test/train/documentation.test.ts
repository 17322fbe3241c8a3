import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, it } from 'vitest';
import { parseConfig } from '../../src/model/index.js';
import { readLog } from '../../src/train/log.js';
import { openSafetensors } from '../../src/weights/index.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bagpiper-own-'));
afterAll(() => rmSync(folder, { recursive: true }));

it('the program in docs/training.md trains a model as it says', async () => {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/training.md'), 'utf8'))!;
  const program = join(folder, 'own.mts');
  writeFileSync(program, code.replace("'bagpiper/train'", JSON.stringify(join(root, 'src/train/index.ts'))));
  const out = join(folder, 'own');
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program, out], { cwd: root });
  expect(stdout).toContain('{ step: 150, finished: true }');
  const losses = readLog(join(out, 'log.jsonl')).map((line) => line.loss!);
  expect(losses[0]).toBeGreaterThan(6);
  expect(losses.at(-1)).toBeLessThan(0.1);
  expect(existsSync(join(out, 'loss.svg'))).toBe(true);
  const config = parseConfig(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8')), 'config.json');
  const table = openSafetensors(join(out, 'model.safetensors')).tensors.get('model.embed_tokens.weight')!;
  expect(table.shape).toEqual([config.vocab_size, config.hidden_size]);
});
