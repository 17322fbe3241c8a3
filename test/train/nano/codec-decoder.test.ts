import { describe, expect, it } from 'vitest';
import { Graph } from '../../../src/graph/index.js';
import { codeVectors, NanoCodec, silentVectors } from '../../../src/model/codec/nano.js';
import { codecContext, decoderTensors } from '../../../src/model/codec/nano-config.js';
import { Random } from '../../../src/random.js';
import { type CodedClip, decoderTraining, initialDecoder, Pieces } from '../../../src/train/nano/codec-decoder.js';
import { Trainer } from '../../../src/train/trainer.js';
import { farthest, randomCodes, TINY, tinyTensors } from '../../model/codec/tiny-codec.js';

const CONTEXT = codecContext(TINY);

/** A clip whose samples tell their frame: all of frame f are `base` + f. */
function numbered(frames: number, base: number, cut = 0): CodedClip {
  const samples = Int16Array.from({ length: frames * 640 - cut }, (_, i) => base + Math.floor(i / 640));
  return { samples, codes: randomCodes(frames, TINY, String(base)) };
}

describe('initialDecoder', () => {
  it('has every tensor of the decoder, the same for the same seed', () => {
    const values = initialDecoder(TINY, new Random(1));
    expect([...values.keys()]).toEqual([...decoderTensors(TINY).keys()]);
    for (const [name, shape] of decoderTensors(TINY)) {
      expect(values.get(name)!.length, name).toBe(shape.reduce((a, b) => a * b, 1));
    }
    expect(initialDecoder(TINY, new Random(1))).toEqual(values);
    expect(initialDecoder(TINY, new Random(2))).not.toEqual(values);
  });

  it('starts near silence', async () => {
    const tensors = new Map([...tinyTensors(), ...initialDecoder(TINY, new Random(1))]);
    const codec = NanoCodec.load(tensors, TINY, { threads: 1 });
    const samples = await codec.decode(randomCodes(4));
    await codec.release();
    expect(samples.some((x) => x !== 0)).toBe(true);
    expect(Math.max(...samples.map(Math.abs))).toBeLessThan(0.5);
  });
});

describe('Pieces', () => {
  const tensors = tinyTensors();
  const clips = [numbered(30, 100), numbered(3, 200), numbered(12, 300, 100)];
  const sizes = { pieces: 4, frames: 4 };
  const rows = sizes.frames + 2 * CONTEXT;
  const pieces = new Pieces(clips, tensors, TINY, sizes);

  /** What a piece of `clip` from frame `start` should hold. */
  function expected({ codes, samples }: CodedClip, start: number) {
    const vectors = codeVectors(codes, tensors, TINY);
    const silent = silentVectors(1, tensors, TINY);
    const z = Array.from({ length: rows }, (_, r) => {
      const frame = start - CONTEXT + r;
      const inside = frame >= 0 && frame * TINY.codebooks < codes.length;
      return [...(inside ? vectors.subarray(frame * TINY.dims, (frame + 1) * TINY.dims) : silent)];
    });
    const wave = Array.from({ length: sizes.frames * 640 }, (_, i) => (samples[start * 640 + i] ?? 0) / 32768);
    return { z: z.flat(), wave };
  }

  it('draws pieces of clips with their context, silence beyond the ends', () => {
    const random = new Random('draw');
    const starts = new Map<number, Set<number>>([100, 200, 300].map((base) => [base, new Set()]));
    for (let batch = 0; batch < 60; batch++) {
      const { z, wave } = pieces.draw(random);
      expect([z.dims, wave.dims]).toEqual([
        [4, rows, TINY.dims],
        [4, 2560],
      ]);
      for (let i = 0; i < sizes.pieces; i++) {
        const got = wave.data.subarray(i * 2560, (i + 1) * 2560) as Float32Array;
        const first = Math.round(got[0] * 32768);
        const base = Math.floor(first / 100) * 100;
        const want = expected(clips[base / 100 - 1], first - base);
        starts.get(base)!.add(first - base);
        expect(farthest(got, want.wave)).toBe(0);
        const vectors = z.data.subarray(i * rows * TINY.dims, (i + 1) * rows * TINY.dims) as Float32Array;
        expect(farthest(vectors, want.z)).toBeLessThan(1e-6);
      }
    }
    // Both ends of every clip are reached; a clip shorter than a piece starts at its start.
    expect([Math.min(...starts.get(100)!), Math.max(...starts.get(100)!)]).toEqual([0, 26]);
    expect([...starts.get(200)!]).toEqual([0]);
    expect([...starts.get(300)!].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('draws each clip as often as it is long', () => {
    const random = new Random('share');
    const counts = [0, 0, 0];
    for (let batch = 0; batch < 500; batch++) {
      const { wave } = pieces.draw(random);
      for (let i = 0; i < 4; i++) counts[Math.floor(((wave.data as Float32Array)[i * 2560] * 32768) / 100) - 1]++;
    }
    // 2000 draws; four standard deviations are 0.043.
    [30, 3, 12].forEach((frames, i) => {
      expect(Math.abs(counts[i] / 2000 - frames / 45)).toBeLessThan(0.043);
    });
  });

  it('draws the same for the same seed', () => {
    expect(pieces.draw(new Random(5))).toEqual(pieces.draw(new Random(5)));
    expect(pieces.draw(new Random(5))).not.toEqual(pieces.draw(new Random(6)));
  });
});

describe('decoderTraining', () => {
  it('learns to play a sine in a few steps', async () => {
    const sizes = { pieces: 2, frames: 4 };
    const frames = 12;
    const samples = Int16Array.from(
      { length: frames * 640 },
      (_, i) => 12000 * Math.sin((2 * Math.PI * 500 * i) / 16000),
    );
    const clip = { samples, codes: new Int32Array(frames * TINY.codebooks).fill(1) };
    const values = new Map([...tinyTensors(), ...initialDecoder(TINY, new Random(1))]);
    const graph = new Graph();
    const trainer = await Trainer.create(graph, decoderTraining(graph, TINY, sizes), values, { threads: 1 });
    expect([...trainer.trainable].sort()).toEqual([...decoderTensors(TINY).keys()].sort());
    const batch = new Pieces([clip], values, TINY, sizes).draw(new Random('batch'));
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) losses.push((await trainer.step(batch, 0.02)).values.loss);
    const { values: parts } = await trainer.evaluate(batch);
    await trainer.release();
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(parts.loss).toBeLessThan(0.8 * losses[0]);
    const sum = parts.convergence + parts.logMagnitude + parts.mel + 0.5 * parts.head;
    expect(parts.loss).toBeCloseTo(sum, 4);
  });
});
