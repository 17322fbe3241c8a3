/** Copies of reference folders that tests may damage. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { ParityLine } from '../../src/model/parity-lines.js';
import { openSafetensors } from '../../src/weights/index.js';

/** Where a reference folder of the fixtures lies. */
export const reference = (name: string): string => new URL(`../fixtures/golden/${name}`, import.meta.url).pathname;

/** A copy of a reference folder, removed after the tests of the file. */
export function copyOf(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'parity-'));
  cpSync(reference(name), folder, { recursive: true });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Changes one number of a 32-bit tensor on disk; gives a function that puts the old one back. */
export function patchTensor(path: string, tensor: string, index: number, change: (x: number) => number): () => void {
  const { dtype, byteOffset } = openSafetensors(path).tensors.get(tensor)!;
  const before = readFileSync(path);
  const bytes = Buffer.from(before);
  const at = byteOffset + 4 * index;
  if (dtype === 'I32') bytes.writeInt32LE(change(bytes.readInt32LE(at)), at);
  else bytes.writeFloatLE(change(bytes.readFloatLE(at)), at);
  writeFileSync(path, bytes);
  return () => writeFileSync(path, before);
}

/** Changes a reference file in JSON; gives a function that puts the old one back. */
export function patchJson<T>(path: string, change: (json: T) => void): () => void {
  const before = readFileSync(path, 'utf8');
  const json = JSON.parse(before) as T;
  change(json);
  writeFileSync(path, JSON.stringify(json));
  return () => writeFileSync(path, before);
}

/** Names of the lines that fail. */
export const failures = (lines: readonly ParityLine[]): string[] =>
  lines.filter(({ ok }) => !ok).map(({ name }) => name);
