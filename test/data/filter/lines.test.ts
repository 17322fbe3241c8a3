import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineBatches } from '../../../src/data/filter/lines.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-lines-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function read(text: string): Promise<{ lines: [string, number, number][]; torn: boolean[]; read: number }> {
  const path = join(folder, 'lines');
  writeFileSync(path, text);
  const found = { lines: [] as [string, number, number][], torn: [] as boolean[], read: 0 };
  for await (const { lines, offsets, numbers, torn, read } of lineBatches(path)) {
    for (const [i, line] of lines.entries()) found.lines.push([line.toString(), offsets[i], numbers[i]]);
    found.torn.push(torn);
    found.read = read;
  }
  return found;
}

describe('lines of a file', () => {
  it('come with their numbers and places, without empty ones', async () => {
    const { lines, torn, read: bytes } = await read('a\n\nää\nb\n');
    expect(lines).toEqual([
      ['a', 0, 1],
      ['ää', 3, 3],
      ['b', 8, 4],
    ]);
    expect([torn, bytes]).toEqual([[false], 10]);
  });

  it('may lack the last end', async () => {
    expect(await read('a\nb')).toEqual({
      lines: [
        ['a', 0, 1],
        ['b', 2, 2],
      ],
      torn: [false, true],
      read: 3,
    });
    expect(await read('')).toEqual({ lines: [], torn: [], read: 0 });
  });

  it('are whole where they are longer than what is read at once', async () => {
    const long = 'x'.repeat(2_500_000);
    const { lines, torn } = await read(`a\n${long}\n${long}\nb`);
    expect(lines.map(([line, at, number]) => [line.length, at, number])).toEqual([
      [1, 0, 1],
      [2_500_000, 2, 2],
      [2_500_000, 2_500_003, 3],
      [1, 5_000_004, 4],
    ]);
    expect(torn.at(-1)).toBe(true);
  });

  it('of a file that is not there end in a sentence; a signal ends them too', async () => {
    await expect(lineBatches(join(folder, 'none')).next()).rejects.toThrow('none cannot be read: ENOENT');
    await expect(lineBatches(folder).next()).rejects.toThrow('name a JSONL file that exists');
    await read('a\n');
    const stopped = AbortSignal.abort(new Error('stopped'));
    await expect(lineBatches(join(folder, 'lines'), stopped).next()).rejects.toThrow('stopped');
  });
});
