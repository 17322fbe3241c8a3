import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encoderTensors } from '../../../src/model/index.js';
import { Random } from '../../../src/random.js';
import { initialEncoder } from '../../../src/train/nano/encoder.js';
import { readEncoder, readParts } from '../../../src/train/nano/parts.js';
import { ENCODER } from '../../../src/train/nano/settings.js';
import { writeSafetensors } from '../../../src/weights/index.js';

const NANO = 'models/nano';
const folder = mkdtempSync(join(tmpdir(), 'parts-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Names of tensors whose numbers are not those of another map, or are in one of the two only. */
function differing(a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>): string[] {
  const bytes = (values?: Float32Array) => Buffer.from(values?.slice().buffer ?? new ArrayBuffer(0));
  return [...new Set([...a.keys(), ...b.keys()])].filter((name) => !bytes(a.get(name)).equals(bytes(b.get(name))));
}

describe('readEncoder', () => {
  it('takes the encoder of a model, which has no heads', () => {
    const encoder = readEncoder(NANO);
    expect(differing(encoder, readParts(NANO).encoder)).toEqual([]);
    expect([...encoder.keys()]).toEqual([...encoderTensors(ENCODER).keys()]);
  });

  it('takes all of a training, heads and what else is there', async () => {
    const values = initialEncoder(ENCODER, new Random('parts'));
    const tensors = [...values].map(([name, data]) => ({ name, dtype: 'F32' as const, shape: [data.length], data }));
    await writeSafetensors(join(folder, 'encoder.safetensors'), tensors);
    expect(differing(readEncoder(folder), values)).toEqual([]);
  });

  it('says what is missing in a folder that is neither', () => {
    expect(() => readEncoder(join(folder, 'nothing'))).toThrow(/nothing/);
  });
});
