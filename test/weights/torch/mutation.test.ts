import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BagpiperError } from '../../../src/errors.js';
import { Random } from '../../../src/random.js';
import { readTorch } from '../../../src/weights/index.js';

const folder = new URL('../../fixtures/torch/2.13/', import.meta.url).pathname;
const read = (name: string): Uint8Array => new Uint8Array(readFileSync(folder + name));

/** Reads everything of a file. @returns whether it was taken; anything but a refusal is thrown on */
function taken(bytes: Uint8Array): boolean {
  try {
    const file = readTorch(bytes, 'mutant.pt');
    for (const [name, { byteLength }] of file.tensors) expect(file.bytes(name)).toHaveLength(byteLength);
    return true;
  } catch (error) {
    if (!(error instanceof BagpiperError)) throw error;
    expect(error.message).toMatch(/^mutant\.pt [^\n]+\.$/);
    return false;
  }
}

/** Where the parts lie that the reader interprets: all but the numbers. */
function meaningful(bytes: Uint8Array): number[] {
  const at = Buffer.from(bytes).indexOf('data.pkl');
  const directory = Buffer.from(bytes).indexOf('PK\x01\x02');
  return [...bytes.keys()].filter((i) => i < at + 2000 || i >= directory);
}

describe('a file of PyTorch in which something is wrong', () => {
  it.each(['plain.pt', 'strided.pt', 'deepspeed.pt', 'protocol5.pt', 'stored.pt'])(
    '%s: single bytes, runs of bytes, cuts and doublings are read or refused, in one sentence',
    (name) => {
      const whole = read(name);
      expect(taken(whole)).toBe(true);
      const random = new Random(name);
      const places = meaningful(whole);
      let refused = 0;
      for (let i = 0; i < 500; i++) {
        const bytes = whole.slice();
        const at = random.pick(places);
        const kind = random.int(4);
        if (kind < 2) bytes[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, bytes[at] ^ (1 << random.int(8))]);
        else if (kind === 2) bytes.fill(random.int(256), at, at + 1 + random.int(8));
        else bytes.copyWithin(at, random.pick(places), random.pick(places));
        if (!taken(bytes)) refused++;
      }
      expect(refused).toBeGreaterThan(100);
      for (let i = 0; i < 100; i++) expect(taken(whole.slice(0, random.int(whole.length)))).toBe(false);
    },
  );
});
