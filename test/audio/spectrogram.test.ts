import { decode } from 'fast-png';
import { expect, test } from 'vitest';
import { type SpectrogramOptions, spectrogramPng } from '../../src/audio/index.js';
import { sine } from './make.js';

/** Where the picture keeps its spectrum. */
const FRAME = { left: 96, right: 124, top: 16, bottom: 36 };

interface Picture {
  width: number;
  height: number;
  /** perceived lightness of a pixel, 0 to 255 */
  light(x: number, y: number): number;
  /** whether the pixel is paper */
  blank(x: number, y: number): boolean;
}

async function draw(samples: Float32Array, rate: number, options?: SpectrogramOptions): Promise<Picture> {
  const { width, height, data, palette } = decode(await spectrogramPng(samples, rate, options));
  const colour = (x: number, y: number): number[] => palette?.[data[y * width + x]] ?? [];
  return {
    width,
    height,
    light: (x, y) => {
      const [r, g, b] = colour(x, y);
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    },
    blank: (x, y) => colour(x, y).every((c) => c === 255),
  };
}

/** The row of the plot with the most light in a column, as a share from the bottom. */
function brightest(picture: Picture, x: number): number {
  let best = 0;
  const rows = picture.height - FRAME.top - FRAME.bottom;
  for (let y = 0; y < rows; y++) {
    if (picture.light(x, FRAME.top + y) > picture.light(x, FRAME.top + best)) best = y;
  }
  return 1 - (best + 0.5) / rows;
}

test('has the size that was asked for', async () => {
  expect(await draw(sine(1000, 16000, 440), 16000)).toMatchObject({ width: 1000, height: 480 });
  const small = await draw(sine(1000, 16000, 440), 16000, { width: 240, height: 120 });
  expect(small).toMatchObject({ width: 240, height: 120 });
});

test.each([
  ['linear', 16000, 2000, 0.25],
  ['linear', 44100, 16537.5, 0.75],
  // 15 and 45.2456404719 mel
  ['mel', 16000, 1000, 15 / 45.2456404719],
] as const)('shows a tone on the %s axis at its frequency (%d, %d Hz)', async (scale, rate, hz, share) => {
  const picture = await draw(sine(rate, rate, hz), rate, { scale });
  for (const x of [150, 400, 800]) expect(brightest(picture, x)).toBeCloseTo(share, 1.7);
});

test('shows time to the right', async () => {
  const sound = new Float32Array(48000);
  sound.set(sine(16000, 16000, 4000), 16000);
  const picture = await draw(sound, 16000, { scale: 'linear' });
  const [plot, middle] = [1000 - FRAME.left - FRAME.right, FRAME.top + (480 - FRAME.top - FRAME.bottom) / 2];
  const at = (share: number): number => picture.light(FRAME.left + Math.round(share * plot), middle);
  expect([at(0.1), at(0.3), at(0.7), at(0.9)].every((light) => light < 20)).toBe(true);
  expect([at(0.37), at(0.5), at(0.63)].every((light) => light > 150)).toBe(true);
});

test('quieter is darker, evenly, down to the floor', async () => {
  const lights: number[] = [];
  for (const db of [0, -20, -40, -60, -79, -90]) {
    const picture = await draw(sine(8000, 16000, 4000, 10 ** (db / 20)), 16000, { topDb: 0, scale: 'linear' });
    lights.push(picture.light(400, FRAME.top + 214));
  }
  expect(lights).toEqual([...lights].sort((a, b) => b - a));
  expect(lights[5]).toBeLessThan(10);
});

test('both axes and the bar are labelled', async () => {
  const picture = await draw(sine(32000, 16000, 440), 16000);
  const ink = (x0: number, x1: number, y0: number, y1: number): boolean => {
    for (let x = x0; x < x1; x++) for (let y = y0; y < y1; y++) if (!picture.blank(x, y)) return true;
    return false;
  };
  expect(ink(0, 90, 0, 480)).toBe(true);
  expect(ink(96, 870, 450, 480)).toBe(true);
  expect(ink(910, 1000, 0, 480)).toBe(true);
  expect(ink(995, 1000, 0, 480)).toBe(false);
});

test.each([
  ['no samples', new Float32Array(0)],
  ['one sample', Float32Array.of(1)],
  ['silence', new Float32Array(5000)],
  ['not a number', new Float32Array(5000).fill(Number.NaN)],
  ['infinities', Float32Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1)],
  ['the largest numbers', new Float32Array(3000).fill(3e38)],
])('%s gives a picture', async (_, samples) => {
  const size = { width: 300, height: 150 };
  expect(await draw(samples, 16000, size)).toMatchObject(size);
  expect(await draw(samples, 192000, { ...size, scale: 'linear' })).toMatchObject(size);
});

test('samples that are not finite count as silence', async () => {
  const clean = sine(8000, 16000, 440);
  const broken = clean.slice();
  clean.fill(0, 4000, 4010);
  broken.fill(Number.NaN, 4000, 4005).fill(Number.POSITIVE_INFINITY, 4005, 4010);
  expect(await spectrogramPng(broken, 16000)).toEqual(await spectrogramPng(clean, 16000));
});

test('in a long sound nothing is skipped: a short beep still shows', async () => {
  const sound = new Float32Array(16000 * 300);
  sound.set(sine(1600, 16000, 2000), 16000 * 150 + 100);
  const picture = await draw(sound, 16000, { scale: 'linear', width: 400, height: 200 });
  expect(picture.light(FRAME.left + 90, FRAME.top + 111)).toBeGreaterThan(60);
});

test('refuses sizes and rates that no picture can have', async () => {
  for (const [rate, options] of [
    [0, {}],
    [Number.NaN, {}],
    [16000, { width: 10 }],
    [16000, { height: 1e6 }],
    [16000, { rangeDb: 0 }],
  ] as const) {
    await expect(spectrogramPng(new Float32Array(10), rate, options)).rejects.toThrow(RangeError);
  }
});
