import { describe, expect, it } from 'vitest';
import { encodeWav } from '../../src/audio/index.js';
import { cleanText, clock, hear, hearPieces, type Window, windowsOf } from '../../src/tasks/input.js';

const never = new AbortController().signal;

async function* pieces(...sizes: number[]): AsyncGenerator<Float32Array> {
  let next = 0;
  for (const size of sizes) {
    const piece = new Float32Array(size);
    for (let i = 0; i < size; i++) piece[i] = next++;
    yield piece;
  }
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

const spans = (windows: readonly Window[]): number[][] => windows.map(({ from, to }) => [from, to]);

describe('windowsOf', () => {
  it('leaves a sound that fits as it is', async () => {
    const [window, ...more] = await collect(windowsOf(pieces(16000 * 29, 16000), 30));
    expect(more).toEqual([]);
    expect(window).toMatchObject({ from: 0, to: 30, last: true });
  });

  it('overlaps by 5 s and loses nothing, however the sound comes', async () => {
    const total = 16000 * 60 + 1;
    for (const cut of [[total], [1, 480000, total - 480001], [480000, 480000, 1]]) {
      const windows = await collect(windowsOf(pieces(...cut), 30));
      expect(spans(windows)).toEqual([
        [0, 30],
        [25, 55],
        [50, total / 16000],
      ]);
      expect(windows.map(({ last }) => last)).toEqual([false, false, true]);
      // Float32 holds whole numbers up to 2^24 exactly: each sample says where it belongs.
      for (const { samples, from } of windows) {
        expect([samples[0], samples[samples.length - 1]]).toEqual([from * 16000, from * 16000 + samples.length - 1]);
      }
    }
  });

  it('cuts an hour into 144 windows while holding little of it', async () => {
    const hour = pieces(...new Array<number>(720).fill(16000 * 5));
    let count = 0;
    let end = 0;
    for await (const { samples, to } of windowsOf(hour, 30)) {
      count++;
      end = to;
      expect(samples.length).toBeLessThanOrEqual(480000);
    }
    expect({ count, end }).toEqual({ count: 144, end: 3600 });
  });
});

describe('hearing', () => {
  const wav = encodeWav(new Float32Array(8000 * 40).fill(0.25), 8000);

  it('reads the first seconds of a file only, and says so', async () => {
    const { samples, warnings } = await hear(wav, 30, never);
    expect(samples.length).toBe(480000);
    expect(warnings).toEqual([expect.stringContaining('only the first 30 s were read')]);
  });

  it('reads all of a file piece by piece', async () => {
    const warnings: string[] = [];
    const list = await collect(hearPieces(wav.subarray(0, wav.length - 1), warnings, never));
    expect(list.reduce((sum, { length }) => sum + length, 0)).toBeCloseTo(16000 * 40, -1);
    expect(warnings).toEqual([expect.stringContaining('audio data')]);
  });
});

describe('cleanText', () => {
  it('removes control characters but line ends and tabs', () => {
    expect(cleanText('\u0000a\tb\nc\u001b[31m\u007f ', 'It')).toBe('a\tb\nc[31m');
  });

  it('refuses what holds no word', () => {
    expect(() => cleanText(' \u0001', 'The request')).toThrow('The request is empty');
    expect(() => cleanText(undefined as unknown as string, 'The request')).toThrow('must be a text, not undefined');
  });
});

describe('clock', () => {
  it.each([
    [0, '0:00'],
    [59.6, '1:00'],
    [3599, '59:59'],
    [3600, '60:00'],
  ])('writes %d s as %s', (seconds, text) => expect(clock(seconds)).toBe(text));
});
