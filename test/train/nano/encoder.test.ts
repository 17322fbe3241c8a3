import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENTS, LEXICON, type Scene } from '../../../src/corpus/index.js';
import { Graph } from '../../../src/graph/index.js';
import { ENCODER_PREFIX, encoderGraph, encoderTensors, layChunks, planEncoding } from '../../../src/model/index.js';
import { Random } from '../../../src/random.js';
import { Session } from '../../../src/runtime/index.js';
import {
  type Clip,
  createEncoderTrainer,
  type EncoderBatch,
  type EncoderTrainer,
  framesOf,
  initialEncoder,
  layClips,
} from '../../../src/train/nano/encoder.js';
import { encodeClips } from '../../../src/train/nano/prepare.js';
import { melFrames } from '../../../src/train/nano/shards.js';
import {
  LETTER_CLASSES,
  LETTER_ROWS,
  letterTurns,
  spokenLoss,
  WORD_CLASSES,
  wordTurns,
} from '../../../src/train/nano/spoken.js';
import { TAG_WEIGHTS, TAGS, tagScene } from '../../../src/train/nano/tags.js';
import { farthest } from '../../model/codec/tiny-codec.js';
import { EMPTY, noiseClip, SMALL, scenes } from './clips.js';

const FRAMES = 360;
const TOKENS = FRAMES / 8;

/** Two turns within two seconds, and an event. */
const SPOKEN: Scene = {
  ...scenes(30, 'encoder').find(({ speakers, music }) => speakers.length > 0 && !music)!,
  events: [{ label: EVENTS[0].label, start: 0.3, end: 1.5, level: 0, distance: 'close' }],
  speech: [0, 1].map((i) => {
    const words = LEXICON.slice(50 + 2 * i, 52 + 2 * i).join(' ');
    return { speaker: 0, words, sentence: words, start: 0.1 + i, end: 0.9 + i };
  }),
};
/** 2.04 s: 26 tokens, the last one with 4 frames; 1 s; and 0.08 s. */
const CLIPS = [
  noiseClip(SPOKEN, 'one', 204),
  noiseClip({ ...EMPTY, room: { kind: 'hall', rt60: 2 } }, 'two', 100),
  noiseClip({ ...EMPTY, quality: { band: 'narrow', noise: 'none' } }, 'three', 8),
];
const data = ({ inputs }: EncoderBatch, name: string): Float32Array => inputs[name].data as Float32Array;

describe('layClips', () => {
  const batch = layClips(SMALL, FRAMES, CLIPS);

  it('gives each clip the tokens that its frames fill, and an empty one behind', () => {
    expect(CLIPS.map(framesOf)).toEqual([216, 112, 16]);
    expect(batch.spans.map(({ start, tokens }) => [start, tokens])).toEqual([
      [0, 26],
      [27, 13],
      [41, 1],
    ]);
    expect(batch.spans.map(({ clip }) => clip)).toEqual(CLIPS);
    expect(batch.seconds).toBeCloseTo(3.12, 12);
    expect(Object.fromEntries(Object.entries(batch.inputs).map(([name, { dims }]) => [name, dims]))).toEqual({
      picture: [1, 1, 128, FRAMES],
      positions: [1, TOKENS, SMALL.d_model],
      'steps.1': [1, 1, 1, FRAMES / 2],
      'steps.2': [1, 1, 1, FRAMES / 4],
      mask: [1, 1, TOKENS, TOKENS],
      tag_target: [TOKENS, TAGS.length],
      tag_weight: [TOKENS, TAGS.length],
    });
  });

  it('lays pictures one behind the other, zeros where no clip is', () => {
    const picture = data(batch, 'picture');
    let filled = 0;
    CLIPS.forEach(({ mel }, i) => {
      for (let band = 0; band < 128; band += 17) {
        for (let t = 0; t < mel.frames; t++) {
          const value = mel.top - 2 + (2 * mel.bytes[band * mel.frames + t]) / 255;
          expect(Math.abs(picture[band * FRAMES + [0, 216, 328][i] + t] - value)).toBeLessThan(1e-6);
        }
      }
      filled += 128 * mel.frames;
    });
    expect(picture.filter((x) => x !== 0).length).toBe(filled);
  });

  it('has the tags of each clip at its place, and weights that sum to the mean over tokens', () => {
    const [target, weight] = [data(batch, 'tag_target'), data(batch, 'tag_weight')];
    const expected = new Float32Array(TOKENS * TAGS.length);
    for (const { clip, start, tokens } of batch.spans) tagScene(clip.scene, tokens, expected, start);
    expect(farthest(target, expected)).toBe(0);
    const rows = Array.from({ length: TOKENS }, (_, t) => weight.subarray(t * TAGS.length, (t + 1) * TAGS.length));
    const inside = (t: number) => batch.spans.some(({ start, tokens }) => t >= start && t < start + tokens);
    rows.forEach((row, t) => {
      const wanted = TAG_WEIGHTS.map((w) => (inside(t) ? w / 40 : 0));
      expect(farthest(row, wanted)).toBeLessThan(1e-9);
    });
  });

  it('lets tokens see those of their own clip', () => {
    const mask = data(batch, 'mask');
    const owner = (t: number) => batch.spans.findIndex(({ start, tokens }) => t >= start && t < start + tokens);
    const wrong = [...mask.keys()].filter((at) => {
      const [i, j] = [Math.floor(at / TOKENS), at % TOKENS];
      const sees = owner(i) === owner(j) && (i === j || owner(i) >= 0 || owner(j) < 0);
      return sees ? mask[at] !== 0 : mask[at] > -1e4;
    });
    expect(wrong).toEqual([]);
  });

  it('refuses clips that do not fit', () => {
    expect(() => layClips(SMALL, 336, CLIPS)).toThrow('the clips of a batch do not fit 336 frames');
    const long = noiseClip(EMPTY, 'long', 1201);
    expect(() => layClips(SMALL, 2400, [long])).toThrow('a clip of 1201 frames is longer than a chunk');
  });

  describe('with augmentation', () => {
    const augmented = (seed: string) => data(layClips(SMALL, FRAMES, CLIPS, new Random(seed)), 'picture');
    const plain = data(batch, 'picture');

    it('is a function of the seed and changes the picture alone', () => {
      expect(farthest(augmented('a'), augmented('a'))).toBe(0);
      expect(farthest(augmented('a'), augmented('b'))).toBeGreaterThan(0);
      const other = layClips(SMALL, FRAMES, CLIPS, new Random('a'));
      const changed = Object.keys(batch.inputs).filter((name) => farthest(data(other, name), data(batch, name)) !== 0);
      expect(changed).toEqual(['picture']);
    });

    it('leaves zeros as they are, masks at most 12 bands, and moves every other band as a whole', () => {
      let most = 0;
      for (let seed = 0; seed < 12; seed++) {
        const picture = augmented(String(seed));
        expect([...plain.keys()].filter((i) => plain[i] === 0 && picture[i] !== 0)).toEqual([]);
        const moves = Array.from({ length: 128 }, (_, band) => {
          const cells = Array.from({ length: 204 }, (_, t) => band * FRAMES + t);
          const heard = cells.filter((at) => plain[at] !== 0);
          if (heard.every((at) => picture[at] === 0)) return Number.NaN;
          const all = heard.map((at) => picture[at] - plain[at]);
          expect(Math.max(...all) - Math.min(...all)).toBeLessThan(1e-6);
          return all[0];
        });
        const masked = moves.flatMap((move, band) => (Number.isNaN(move) ? [band] : []));
        expect(masked.length).toBeLessThanOrEqual(12);
        if (masked.length > 0) expect((masked.at(-1) as number) - masked[0]).toBe(masked.length - 1);
        // Smooth over the bands, and within 12 dB (0.3 of the picture's scale) all in all.
        const steps = moves.slice(1).map((move, band) => Math.abs(move - moves[band]));
        expect(Math.max(...steps.filter((x) => !Number.isNaN(x)))).toBeLessThan(0.02);
        expect(Math.max(...moves.filter((x) => !Number.isNaN(x)).map(Math.abs))).toBeLessThan(0.6);
        most = Math.max(most, masked.length);
      }
      expect(most).toBeGreaterThan(0);
    });
  });
});

describe('initialEncoder', () => {
  it('has every tensor of the encoder and the heads, the same for the same seed', () => {
    const values = initialEncoder(SMALL, new Random(1));
    const heads = ['tag_head', 'word_head', 'letter_head'].flatMap((head) => [`${head}.weight`, `${head}.bias`]);
    expect([...values.keys()]).toEqual([...encoderTensors(SMALL).keys(), ...heads]);
    expect(initialEncoder(SMALL, new Random(1))).toEqual(values);
    expect(initialEncoder(SMALL, new Random(2))).not.toEqual(values);
    expect(values.get(`${ENCODER_PREFIX}ln_post.weight`)!.every((x) => x === 1)).toBe(true);
    expect(values.get('tag_head.bias')!.every((x) => x === -3)).toBe(true);
  });
});

describe('createEncoderTrainer', () => {
  const values = initialEncoder(SMALL, new Random('encoder'));
  const random = new Random('heads');
  let encoder: EncoderTrainer;
  beforeAll(async () => {
    // Biases that are not all the same, and a tag head whose first tags are the features themselves.
    for (const [name, array] of values) {
      if (name.endsWith('bias')) array.set(array.map((x) => x + random.normal() / 3));
    }
    const [weight, bias] = [values.get('tag_head.weight')!, values.get('tag_head.bias')!];
    for (let k = 0; k < SMALL.output_dim; k++) {
      for (let i = 0; i < SMALL.output_dim; i++) weight[k * SMALL.output_dim + i] = i === k ? 1 : 0;
      bias[k] = 0;
    }
    encoder = await createEncoderTrainer(SMALL, FRAMES, values, 1);
  });
  afterAll(() => encoder.trainer.release());

  async function features(clips: readonly Clip[], index: number): Promise<Float32Array> {
    const batch = layClips(SMALL, FRAMES, clips);
    const { tags } = await encoder.forward(batch);
    const { start, tokens } = batch.spans[index];
    const rows = Array.from({ length: tokens }, (_, t) =>
      tags.slice((start + t) * TAGS.length, (start + t) * TAGS.length + SMALL.output_dim),
    );
    return Float32Array.from(rows.flatMap((row) => [...row]));
  }

  it('hears a clip the same, alone or beside others, and as the engine does', async () => {
    const engine: Float32Array[] = [];
    for (const clip of CLIPS) engine.push(await hearAlone(clip, values));
    const heard = await encodeClips(CLIPS, SMALL, values, 1);
    const size = Math.max(...engine[0].map(Math.abs));
    for (const [i, clip] of CLIPS.entries()) {
      const alone = await features([clip], 0);
      expect(farthest(await features(CLIPS, i), alone)).toBeLessThan(1e-5 * size);
      expect(farthest(engine[i], alone)).toBeLessThan(1e-5 * size);
      expect(farthest(heard[i], engine[i])).toBeLessThan(1e-5 * size);
    }
    expect(farthest(await features([CLIPS[2], CLIPS[0]], 1), engine[0])).toBeLessThan(1e-5 * size);
  });

  it('has a tag loss of cross-entropies, present tags three times', async () => {
    const batch = layClips(SMALL, FRAMES, CLIPS);
    await encoder.addSpoken(batch);
    const { tags } = await encoder.forward(batch);
    const [target, weight] = [data(batch, 'tag_target'), data(batch, 'tag_weight')];
    let expected = 0;
    tags.forEach((x, i) => {
      const loss = target[i] === 1 ? 3 * Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
      expected += weight[i] * loss;
    });
    const { values: scalars } = await encoder.trainer.evaluate(batch.inputs);
    expect(scalars.tags).toBeCloseTo(expected, 3);
  });

  it('takes the losses of words and letters from every clip, per label', async () => {
    const batch = layClips(SMALL, FRAMES, CLIPS);
    const { words, letters } = await encoder.forward(batch);
    const mean = (logits: Float32Array, width: number, rows: number, turns: typeof wordTurns) => {
      const parts = batch.spans.map(({ clip, start, tokens }) => {
        const own = logits.subarray(start * width, (start + tokens) * width);
        return spokenLoss(own, tokens, rows, width / rows, turns(clip.scene, tokens));
      });
      return parts.reduce((n, p) => n + p.loss, 0) / parts.reduce((n, p) => n + p.count, 0);
    };
    const spoken = await encoder.addSpoken(batch);
    expect(spoken.words).toBeCloseTo(mean(words, WORD_CLASSES, 1, wordTurns), 5);
    expect(spoken.letters).toBeCloseTo(mean(letters, LETTER_ROWS * LETTER_CLASSES, LETTER_ROWS, letterTurns), 5);
  });

  it('has the gradient of tags + 3 words + 5 letters, against differences along directions', async () => {
    const total = async (): Promise<{ loss: number; grads: Map<string, Float32Array> }> => {
      const batch = layClips(SMALL, FRAMES, CLIPS);
      const { words, letters } = await encoder.addSpoken(batch);
      const { values: scalars, grads } = await encoder.trainer.evaluate(batch.inputs);
      return { loss: scalars.tags + 3 * words + 5 * letters, grads };
    };
    const { grads } = await total();
    for (const part of ['conv2d1', 'layers.1.self_attn', 'proj2', 'tag_head', 'word_head', 'letter_head']) {
      const moved = [...values].filter(([name]) => name.includes(part));
      // Along the gradient itself, so that the difference is as large as it can be.
      const norm = Math.sqrt(moved.reduce((n, [name]) => n + grads.get(name)!.reduce((m, g) => m + g * g, 0), 0));
      const step = 2e-2 / norm;
      const kept = moved.map(([, array]) => array.slice());
      const at = async (size: number): Promise<number> => {
        moved.forEach(([name, array], i) => {
          array.set(kept[i].map((x, k) => x + size * grads.get(name)![k]));
        });
        return (await total()).loss;
      };
      const difference = ((await at(step)) - (await at(-step))) / (2 * step);
      await at(0);
      expect(Math.abs(difference / norm ** 2 - 1), part).toBeLessThan(0.02);
    }
  });
});

/** A clip's features by the graph that the engine uses. */
async function hearAlone({ mel }: Clip, parameters: ReadonlyMap<string, Float32Array>): Promise<Float32Array> {
  const plan = planEncoding(mel.frames, SMALL);
  const graph = new Graph();
  encoderGraph(graph, SMALL, plan.frames);
  const session = await Session.create(graph, { threads: 1, parameters: (name) => ({ data: parameters.get(name)! }) });
  const picture = new Float32Array(SMALL.num_mel_bins * mel.frames);
  melFrames(mel, 0, mel.frames, picture, 0, mel.frames);
  const { features } = await session.run({
    chunks: {
      data: layChunks(picture, mel.frames, plan, SMALL),
      dims: [plan.chunks, 1, SMALL.num_mel_bins, plan.frames],
    },
    keep: { data: plan.keep, dims: [plan.tokens] },
    mask: { data: plan.mask, dims: [1, 1, plan.tokens, plan.tokens] },
  });
  await session.release();
  return features.data as Float32Array;
}
