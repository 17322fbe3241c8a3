import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import {
  openSafetensors,
  readSafetensors,
  type TensorInput,
  toFloat32,
  writeSafetensors,
} from '../../src/weights/index.js';

const golden = new URL('../fixtures/golden/lm/model.safetensors', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'safetensors-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file with the given header and data, built by hand. */
function file(header: unknown, data: number[] = []): Uint8Array {
  const json = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

const entry = (dtype: string, shape: unknown, start: unknown, end: unknown): object => ({
  dtype,
  shape,
  data_offsets: [start, end],
});

describe('reading', () => {
  it('reads a file that the reference library wrote', () => {
    const read = openSafetensors(golden);
    expect(read.tensors.size).toBe(40);
    expect(read.metadata.get('format')).toBe('pt');
    const norm = read.tensor('model.norm.weight');
    expect([norm.dtype, norm.shape, norm.file]).toEqual(['F32', [64], golden]);
    // The same bytes, found through the place that the header gives.
    const raw = readFileSync(golden).subarray(norm.byteOffset, norm.byteOffset + norm.byteLength);
    expect(norm.data[3]).toBe(raw.readFloatLE(12));
  });

  it('gives the same from bytes as from the file', () => {
    const fromFile = openSafetensors(golden);
    const fromBytes = readSafetensors(readFileSync(golden));
    for (const name of fromFile.tensors.keys()) expect(fromBytes.tensor(name).data).toEqual(fromFile.tensor(name).data);
  });

  it('reads every number format, unaligned data and scalars', () => {
    const header = {
      b: entry('U8', [1], 0, 1),
      f: entry('F32', [], 1, 5),
      l: entry('I64', [1], 5, 13),
      h: entry('BF16', [2], 13, 17),
      e: entry('I8', [0, 3], 17, 17),
    };
    const data = [7, 0, 0, 192, 63, 255, 255, 255, 255, 255, 255, 255, 255, 128, 63, 0, 192];
    for (const pad of ['', ' ', '  ', '   ']) {
      const all = readSafetensors(file(JSON.stringify(header) + pad, data));
      expect([...all.tensor('f').data]).toEqual([1.5]);
      expect([...all.tensor('l').data]).toEqual([-1n]);
      expect([...toFloat32(all.tensor('l'))]).toEqual([-1]);
      expect([...toFloat32(all.tensor('h'))]).toEqual([1, -2]);
      expect([...toFloat32(all.tensor('b'))]).toEqual([7]);
      expect(all.tensor('e').data).toHaveLength(0);
    }
  });

  it('names file and tensor where there is none', () => {
    expect(() => openSafetensors(golden).tensor('x')).toThrow(/model\.safetensors has no tensor "x"/);
    expect(() => openSafetensors(join(folder, 'none'))).toThrow(/does not exist/);
    expect(() => openSafetensors(folder)).toThrow(/safetensors file is expected/);
  });
});

describe('a header that lies', () => {
  const ok = entry('F32', [1], 0, 4);
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /0 bytes, too few/],
    ['shorter than any file', new Uint8Array(9), /too few/],
    ['a header longer than the file', Uint8Array.from([255, 0, 0, 0, 0, 0, 0, 0, 123, 125]), /claims 255 bytes/],
    ['a header of 2^63 bytes', Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 128, 123, 125]), /claims 9223372036854775808/],
    ['no JSON', file('{"a":'), /not JSON/],
    ['no UTF-8', Uint8Array.from([2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe]), /UTF-8/],
    ['a list', file([]), /no JSON object/],
    ['white space first', file(' {}'), /no JSON object/],
    [
      'a name twice',
      file(`{"a":${JSON.stringify(ok)},"\\u0061":${JSON.stringify(ok)}}`, [0, 0, 0, 0]),
      /has "a" twice/,
    ],
    ['a field twice', file('{"a":{"dtype":"U8","dtype":"I8","shape":[1],"data_offsets":[0,1]}}', [0]), /"dtype" twice/],
    ['an unknown format', file({ a: entry('F8', [1], 0, 1) }, [0]), /"a" has the number format "F8"/],
    ['a deep format', file(`{"a":{"dtype":${'['.repeat(5000)}${']'.repeat(5000)}}}`), /number format list/],
    ['a negative size', file({ a: entry('U8', [-1], 0, 1) }, [0]), /shape list or object/],
    ['a shape that overflows', file({ a: entry('U8', [2 ** 40, 2 ** 40], 0, 1) }, [0]), /range holds 1/],
    [
      'a shape that does not fit',
      file({ a: entry('F32', [2], 0, 4) }, [0, 0, 0, 0]),
      /takes 8 bytes but its range holds 4/,
    ],
    ['an end before the start', file({ a: entry('U8', [1], 1, 0) }, [0]), /byte range/],
    ['a fractional offset', file({ a: entry('U8', [1], 0.5, 1.5) }, [0]), /byte range/],
    ['beyond the end', file({ a: ok }, [0, 0]), /ends at byte \d+ but the file has \d+ bytes; it is cut short/],
    ['an overlap', file({ a: ok, b: entry('U8', [1], 3, 4) }, [0, 0, 0, 0]), /"b" overlaps/],
    ['a hole', file({ a: entry('U8', [1], 1, 2) }, [0, 0]), /1 bytes before tensor "a" belong to no tensor/],
    ['bytes left over', file({ a: ok }, [0, 0, 0, 0, 0]), /1 bytes after the last tensor/],
    ['an entry that is no object', file({ a: 3 }), /"a" is described by no object/],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), /__metadata__ has a value for "a"/],
  ];

  it.each(cases)('%s', (_, bytes, message) => {
    const error = expect.objectContaining({ name: 'BagpiperError', message: expect.stringMatching(message) as string });
    expect(() => readSafetensors(bytes, 'w.safetensors')).toThrow(error);
    const path = join(folder, 'lie.safetensors');
    writeFileSync(path, bytes);
    expect(() => openSafetensors(path)).toThrow(error);
  });

  it('never ends in anything but an answer or a BagpiperError', () => {
    const random = new Random(11);
    const names = ['a', '__proto__', 'constructor', 'w.0'];
    const header = Object.fromEntries(names.map((name, i) => [name, entry('F32', [2], i * 8, i * 8 + 8)]));
    const valid = file({ __metadata__: { k: 'v' }, ...header }, new Array<number>(32).fill(1));
    for (let i = 0; i < 5000; i++) {
      const bytes = valid.slice(0, random.chance(0.2) ? random.int(valid.length) : valid.length);
      for (let k = random.int(4); k > 0 && bytes.length > 0; k--) {
        bytes[random.int(bytes.length)] = random.chance(0.5) ? random.int(256) : 48 + random.int(10);
      }
      try {
        const read = readSafetensors(bytes);
        for (const name of read.tensors.keys()) toFloat32(read.tensor(name));
      } catch (error) {
        expect((error as Error).name).toBe('BagpiperError');
      }
    }
  });
});

describe('writing', () => {
  const tensors: TensorInput[] = [
    { name: 'small', dtype: 'I16', shape: [3], data: Int16Array.of(1, -2, 3) },
    { name: 'big', dtype: 'F32', shape: [4, 8], data: Float32Array.from({ length: 32 }, (_, i) => i / 7) },
    { name: '7', dtype: 'I64', shape: [], data: BigInt64Array.of(-5n) },
    { name: '__proto__', dtype: 'U8', shape: [0], data: new Uint8Array(0) },
    { name: 'lazy', dtype: 'F64', shape: [8], data: () => Float64Array.from({ length: 8 }, (_, i) => 1 / (i + 1)) },
  ];

  it('gives back what was written, with metadata', () => {
    const path = join(folder, 'a.safetensors');
    writeSafetensors(path, tensors, { note: 'ü' });
    const read = openSafetensors(path);
    expect(read.metadata.get('note')).toBe('ü');
    expect(read.tensors.size).toBe(tensors.length);
    for (const { name, dtype, shape, data } of tensors) {
      const tensor = read.tensor(name);
      expect([tensor.dtype, tensor.shape]).toEqual([dtype, shape]);
      expect(tensor.data).toEqual(typeof data === 'function' ? data() : data);
    }
  });

  it('starts data and all tensors of whole 64-byte blocks at multiples of 64, the rest at their number size', () => {
    const path = join(folder, 'b.safetensors');
    writeSafetensors(path, tensors);
    const at = (name: string): number => openSafetensors(path).tensors.get(name)!.byteOffset;
    expect([at('big') % 64, at('lazy') % 64, at('7') % 8, at('small') % 2]).toEqual([0, 0, 0, 0]);
    expect(at('big')).toBeLessThan(at('lazy'));
  });

  it('leaves the old file and nothing else where a tensor cannot be written', () => {
    const path = join(folder, 'c', 'd.safetensors');
    expect(() => writeSafetensors(path, tensors)).toThrow(/could not be written/);
    const kept = join(folder, 'kept.safetensors');
    writeFileSync(kept, 'old');
    const wrong: TensorInput[] = [
      { name: 'w', dtype: 'F32', shape: [2], data: new Float32Array(3) },
      { name: 'w', dtype: 'F32', shape: [2], data: new Float64Array(1) },
      {
        name: 'w',
        dtype: 'F32',
        shape: [1],
        data: () => {
          throw new Error('gone');
        },
      },
    ];
    for (const tensor of wrong) expect(() => writeSafetensors(kept, [...tensors, tensor])).toThrow(/w|gone/);
    expect(() => writeSafetensors(kept, [tensors[0], tensors[0]])).toThrow(/"small" is taken/);
    expect(readFileSync(kept, 'utf8')).toBe('old');
    expect(readdirSync(folder).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('depends on its arguments alone', () => {
    const [one, two] = [join(folder, 'one'), join(folder, 'two')];
    writeSafetensors(one, tensors);
    writeSafetensors(two, tensors);
    expect(readFileSync(one).equals(readFileSync(two))).toBe(true);
  });
});
