import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BagpiperError } from '../../src/errors.js';
import { openModel } from '../../src/model/bagpiper.js';
import type { TensorInput } from '../../src/weights/index.js';
import { writeTinyModel } from '../tiny-model.js';
import { type TinyWorld, writeTinyWorld } from '../tiny-world.js';

const root = mkdtempSync(join(tmpdir(), 'world-'));
const model = join(root, 'model');
beforeAll(() => writeTinyModel(model));
afterAll(() => rmSync(root, { recursive: true }));

/** One tensor replaced, or left out. */
const with_ =
  (name: string, other: Partial<TensorInput> | null) =>
  ({ tensors, metadata }: TinyWorld): TinyWorld => ({
    tensors: tensors.flatMap((t) => (t.name !== name ? [t] : other ? [{ ...t, ...other }] : [])),
    metadata,
  });
const saying =
  (more: Record<string, string>) =>
  ({ tensors, metadata }: TinyWorld): TinyWorld => ({ tensors, metadata: { ...metadata, ...more } });

/** What opening the folder says. */
function complaint(): string {
  try {
    openModel(model);
  } catch (error) {
    if (error instanceof BagpiperError) return error.message;
    throw error;
  }
  return '';
}

describe('world.safetensors', () => {
  it('is read where it is there, and need not be', () => {
    writeTinyWorld(model, 2.5);
    expect(openModel(model).world).toMatchObject({ threshold: 2.5, exponent: 0 });
    expect(openModel(model, { world: false }).world).toBeNull();
    rmSync(join(model, 'world.safetensors'));
    expect(openModel(model).world).toBeNull();
  });

  it('does not count as a part of the model', () => {
    const before = openModel(model).folder.modelHash();
    writeTinyWorld(model, 1);
    expect(openModel(model).folder.modelHash()).toBe(before);
  });

  const CASES: [string, (world: TinyWorld) => TinyWorld, RegExp][] = [
    ['another format', saying({ format: 'pt' }), /is no file of training statistics in the format bagpiper-world 1; /],
    ['a later version', saying({ version: '2' }), /is no file of training statistics/],
    ['no threshold', saying({ threshold: '' }), /gives no number for "threshold" in its metadata; /],
    ['a threshold that is no number', saying({ threshold: 'high' }), /gives no number for "threshold"/],
    ['an exponent without end', saying({ exponent: 'Infinity' }), /gives no number for "exponent"/],
    ['a missing tensor', with_('centres', null), /lacks tensor "centres" with two axes in F32 or F16; /],
    ['another rank', with_('leading', { shape: [16] }), /lacks tensor "leading" with two axes/],
    [
      'nothing in it',
      with_('centres', { shape: [0, 16], data: new Float32Array(0) }),
      /lacks tensor "centres" with two axes/,
    ],
    ['whole numbers', with_('mean', { dtype: 'I32', data: new Int32Array(16) }), /lacks tensor "mean" with one axis/],
    [
      'features of another width',
      with_('mean', { shape: [8], data: new Float32Array(8) }),
      /holds tensor "mean" as \[8\]; \[16\] is expected; /,
    ],
    [
      'centres along other directions',
      with_('centres', { shape: [2, 8], data: new Float32Array(16) }),
      /holds tensor "centres" as \[2, 8\]; \[2, 16\] is expected; /,
    ],
    [
      'numbers that are none',
      with_('mean', { data: new Float32Array(16).fill(Number.NaN) }),
      /holds numbers in tensor "mean" that are not finite; /,
    ],
    [
      'another encoder',
      with_('encoder', { data: new Float32Array(16).fill(0.5) }),
      /was made with another audio encoder than that of this model; make it again \(npm run train:nano -- --only world --out FOLDER\) or remove it\.$/,
    ],
  ];
  it.each(CASES)('is refused in one sentence that names it: %s', (_, change, message) => {
    const file = writeTinyWorld(model, 1, change);
    expect(complaint()).toMatch(message);
    expect(complaint().startsWith(`${file} `)).toBe(true);
  });

  it('is refused when it is cut short or something else', () => {
    truncateSync(writeTinyWorld(model, 1), 700);
    expect(complaint()).toMatch(/world\.safetensors.*\.$/);
    writeFileSync(join(model, 'world.safetensors'), 'statistics');
    expect(complaint()).toMatch(/world\.safetensors.*\.$/);
  });
});
