import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFlacComments } from '../../src/audio/flac-comments.js';
import { encodeFlac, encodeWav } from '../../src/audio/index.js';
import { Random } from '../../src/random.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-flac-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const commentsOf = (bytes: Uint8Array): Promise<Record<string, string>> => {
  const file = join(folder, 'sound');
  writeFileSync(file, bytes);
  return readFlacComments(file);
};
const samples = new Float32Array(100);

describe('readFlacComments', () => {
  it('reads what encodeFlac writes, also where it is long', async () => {
    const comments = { COMMENT: 'ä = b', TITLE: 'x'.repeat(200_000), EMPTY: '' };
    expect(await commentsOf(encodeFlac(samples, 16000, comments))).toEqual(comments);
  });

  it('finds nothing in other files', async () => {
    expect(await commentsOf(encodeFlac(samples, 16000))).toEqual({});
    expect(await commentsOf(encodeWav(samples, 16000))).toEqual({});
    expect(await commentsOf(new Uint8Array(0))).toEqual({});
  });

  it('survives damage', async () => {
    const whole = encodeFlac(samples, 16000, { COMMENT: 'a text', TITLE: 'b' });
    const random = new Random(1);
    for (let i = 0; i < 300; i++) {
      const broken = whole.slice(0, 4 + random.int(whole.length - 4));
      for (let k = 0; k < 4 && broken.length > 4; k++) broken[4 + random.int(broken.length - 4)] = random.int(256);
      for (const text of Object.values(await commentsOf(broken))) expect(text.length).toBeLessThan(whole.length);
    }
  });

  it('names a file that is not there', async () => {
    await expect(readFlacComments(join(folder, 'none.flac'))).rejects.toThrow('there is no such file');
  });
});
