import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BagpiperError } from '../src/errors.js';
import { writeAtomically, writeFileAtomically } from '../src/files.js';

let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-files-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('files written whole', () => {
  it('hold text, bytes, or what is appended', async () => {
    writeAtomically(at('a'), 'ä\n');
    writeAtomically(at('b'), Uint8Array.of(0xc3, 0xa4, 10));
    writeAtomically(at('c'), (append) => {
      append(Uint8Array.of(0xc3));
      append(Uint8Array.of(0xa4, 10));
    });
    await writeFileAtomically(at('d'), 'ä\n');
    await writeFileAtomically(at('e'), Uint8Array.of(0xc3, 0xa4, 10));
    const names = ['a', 'b', 'c', 'd', 'e'];
    expect(names.map((name) => readFileSync(at(name), 'utf8'))).toEqual(names.map(() => 'ä\n'));
    expect(readdirSync(folder)).toEqual(names);
  });

  it('stay as they were when writing fails, and nothing is left beside them', async () => {
    writeAtomically(at('a'), 'old');
    const fails = (append: (bytes: Uint8Array) => void): void => {
      append(Buffer.from('new'));
      throw new Error('no more');
    };
    expect(() => writeAtomically(at('a'), fails)).toThrow(/a could not be written: no more\. Free some space/);
    expect(readFileSync(at('a'), 'utf8')).toBe('old');
    await expect(writeFileAtomically(at('none/f'), '')).rejects.toThrow('its folder does not exist; create it first');
    await expect(writeFileAtomically(at('a/f'), '')).rejects.toThrow(BagpiperError);
    expect(readdirSync(folder)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});
