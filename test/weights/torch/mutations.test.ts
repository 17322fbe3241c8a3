import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/random.js';
import { readTorch } from '../../../src/weights/index.js';
import { torchFile, zip } from './archive.js';

const root = new URL('../../fixtures/torch/', import.meta.url).pathname;
const golden = (version: string, name: string): Uint8Array => readFileSync(`${root}${version}/${name}`);

/** Tensors up to this size are read whole. */
const SMALL = 2 ** 16;

/** Reads everything there is; anything but an answer or a BagpiperError is a defect. @returns whether it was read */
function survives(bytes: Uint8Array): boolean {
  try {
    const file = readTorch(bytes, 'm.pt');
    for (const [name, { byteLength }] of file.tensors) {
      if (byteLength <= SMALL) file.tensor(name);
      else file.bytes(name, byteLength - SMALL);
    }
    return true;
  } catch (error) {
    if ((error as Error).name === 'BagpiperError') return false;
    throw error;
  }
}

/** Values at which things go wrong. */
const EXTREMES = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

function mutate(original: Uint8Array, random: Random): Uint8Array {
  let bytes = Uint8Array.from(original);
  for (let k = random.int(4); k >= 0; k--) {
    const at = random.int(bytes.length);
    const kind = random.int(7);
    if (kind <= 1) bytes[at] = random.int(256);
    else if (kind === 2) bytes[at] ^= 1 << random.int(8);
    else if (kind === 3 && at + 4 <= bytes.length) {
      new DataView(bytes.buffer).setUint32(at, EXTREMES[random.int(EXTREMES.length)], true);
    } else if (kind === 4) bytes.copyWithin(at, random.int(bytes.length), random.int(bytes.length));
    else if (kind === 5) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(at + 1 + random.int(4))]);
    else if (kind === 6) bytes = Uint8Array.from([...bytes.subarray(0, at), random.int(256), ...bytes.subarray(at)]);
  }
  return bytes;
}

/** The pickle of a file and its storages, so that both can be changed and packed again. */
function unpack(bytes: Uint8Array): { pickle: Uint8Array; storages: Record<string, Uint8Array> } {
  const view = Buffer.from(bytes);
  const storages: Record<string, Uint8Array> = {};
  let pickle = new Uint8Array(0);
  const end = view.lastIndexOf('PK\x05\x06');
  let at = view.readUInt32LE(end + 16);
  for (let i = view.readUInt16LE(end + 10); i > 0; i--) {
    const [size, nameBytes] = [view.readUInt32LE(at + 24), view.readUInt16LE(at + 28)];
    const name = view.toString('utf8', at + 46, at + 46 + nameBytes);
    const header = view.readUInt32LE(at + 42);
    const start = header + 30 + view.readUInt16LE(header + 26) + view.readUInt16LE(header + 28);
    const content = Uint8Array.from(view.subarray(start, start + size));
    if (name.endsWith('/data.pkl')) pickle = content;
    else if (name.includes('/data/')) storages[name.split('/')[2]] = content;
    at += 46 + nameBytes + view.readUInt16LE(at + 30) + view.readUInt16LE(at + 32);
  }
  return { pickle, storages };
}

function packed(pickle: Uint8Array, storages: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zip(torchFile(pickle, storages));
}

describe('damaged files', () => {
  it.each(readdirSync(root))('PyTorch %s: cut at every byte', (version) => {
    for (const name of ['deepspeed.pt', 'strided.pt', 'stored.pt']) {
      const whole = golden(version, name);
      expect(survives(whole)).toBe(true);
      for (let length = 0; length < whole.length; length++) {
        if (survives(whole.subarray(0, length))) throw new Error(`${name} was read from its first ${length} bytes`);
      }
    }
  });

  it('a pickle cut at every byte', () => {
    for (const name of ['deepspeed.pt', 'protocol4.pt']) {
      const { pickle, storages } = unpack(golden('2.13', name));
      expect(survives(packed(pickle, storages))).toBe(true);
      for (let length = 0; length < pickle.length; length++) {
        if (survives(packed(pickle.subarray(0, length), storages))) {
          throw new Error(`${name} was read from the first ${length} bytes of its pickle`);
        }
      }
    }
  });

  it.each([
    ['1.13', 'strided.pt'],
    ['2.13', 'deepspeed.pt'],
    ['2.13', 'stored.pt'],
  ])('PyTorch %s, %s: 4,000 changes of the archive', (version, name) => {
    const random = new Random(`${version}/${name}`);
    const whole = golden(version, name);
    let read = 0;
    for (let i = 0; i < 4000; i++) if (survives(mutate(whole, random))) read++;
    // Some changes only touch numbers or unused fields; the point is that both outcomes are met.
    expect(read).toBeGreaterThan(100);
    expect(read).toBeLessThan(3900);
  });

  it.each([
    ['1.13', 'strided.pt'],
    ['2.13', 'protocol2.pt'],
    ['2.13', 'protocol4.pt'],
    ['2.13', 'lightning.ckpt'],
  ])('PyTorch %s, %s: 3,000 changes of the pickle, packed again', (version, name) => {
    const random = new Random(`pickle of ${version}/${name}`);
    const { pickle, storages } = unpack(golden(version, name));
    const before = process.memoryUsage();
    let read = 0;
    for (let i = 0; i < 3000; i++) {
      if (survives(packed(mutate(pickle, random), storages))) read++;
    }
    expect(read).toBeGreaterThan(30);
    expect(read).toBeLessThan(2900);
    const after = process.memoryUsage();
    expect(after.rss - before.rss).toBeLessThan(400 * 2 ** 20);
  });
});
