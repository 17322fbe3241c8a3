import { describe, expect, test } from 'vitest';
import { hzToMel, logMel, melToHz } from '../../src/audio/index.js';
import { openSafetensors, toFloat32 } from '../../src/weights/index.js';
import { sine } from './make.js';

const golden = openSafetensors(new URL('../fixtures/golden/audio-encoder/cases.safetensors', import.meta.url).pathname);

function tensor(name: string): { shape: readonly number[]; values: Float32Array } {
  const found = golden.tensor(name);
  if (found.dtype !== 'I16') return { shape: found.shape, values: toFloat32(found) };
  return { shape: found.shape, values: Float32Array.from(found.data as Int16Array, (x) => x / 32768) };
}

describe.each([
  ['serving', 'mel', 0],
  ['serving', 'mel', 1],
  ['serving', 'mel', 2],
  ['serving', 'mel', 3],
  ['training', 'norm_mel', 0],
  ['training', 'norm_mel', 1],
  ['training', 'norm_mel', 2],
] as const)('%s recipe against the Whisper extractor (%s), clip %d', (recipe, name, clip) => {
  test('agrees', () => {
    const expected = tensor(`case${clip}.${name}`);
    const got = logMel(tensor(`case${clip}.audio`).values, { recipe });
    expect([got.bands, got.frames]).toEqual(expected.shape);
    let worst = 0;
    got.data.forEach((x, i) => {
      worst = Math.max(worst, Math.abs(x - expected.values[i]));
    });
    // The reference README allows 1e-5 with an FFT in float64.
    expect(worst).toBeLessThan(1e-5);
  });
});

test('the training recipe is the default', () => {
  const tone = sine(4000, 16000, 440);
  expect(logMel(tone)).toEqual(logMel(tone, { recipe: 'training' }));
});

test('a tone is loudest in the band around it', () => {
  for (const hz of [200, 1000, 4000]) {
    const { data, frames, bands } = logMel(sine(16000, 16000, hz));
    const middle = Array.from({ length: bands }, (_, b) => data[b * frames + 50]);
    const band = middle.indexOf(Math.max(...middle));
    // 130 edges from 0 to mel(8000) = 45.2456404719.
    expect(Math.abs(band + 1 - (hzToMel(hz) * 129) / 45.2456404719)).toBeLessThan(1.01);
  }
});

test('the mel scale has its fixed points', () => {
  expect(hzToMel(1000)).toBeCloseTo(15, 12);
  expect(hzToMel(8000)).toBeCloseTo(45.2456404719, 9);
  expect(melToHz(hzToMel(3210))).toBeCloseTo(3210, 8);
});

test.each([0, 1, 159, 160, 200, 201])('%d samples give finite features of the right length', (length) => {
  for (const recipe of ['training', 'serving'] as const) {
    const { data, frames } = logMel(sine(length, 16000, 440), { recipe });
    expect(frames).toBe(recipe === 'serving' ? Math.ceil(length / 160) : Math.floor(length / 160));
    expect(data).toHaveLength(128 * frames);
    expect(data.every(Number.isFinite)).toBe(true);
  }
});

test('silence is flat and finite', () => {
  const { data } = logMel(new Float32Array(16000));
  expect(new Set(data)).toEqual(new Set([-1.5]));
});

test('what is longer than 30 s is cut', () => {
  expect(logMel(new Float32Array(480001)).frames).toBe(3000);
});
