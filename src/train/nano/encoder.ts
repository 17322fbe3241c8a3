/**
 * Pre-training of nano's audio encoder, before it is frozen: per-token tags (binary cross-entropy) and the spoken words
 * and letters (CTC) from the features that the language model will see. Several clips share a batch; attention keeps them apart.
 */

import type { Scene } from '../../corpus/index.js';
import { add, exp, Graph, log, maximum, mul, neg, reshape, sub, sumAll, type Tensor } from '../../graph/index.js';
import {
  type Apart,
  type AudioConfig,
  chunkTokens,
  embedChunks,
  encoderTensors,
  encodeTokens,
  positionTable,
} from '../../model/index.js';
import { affine, HIDDEN } from '../../nn/index.js';
import type { Random } from '../../random.js';
import { Session, type Value } from '../../runtime/index.js';
import { Trainer } from '../trainer.js';
import type { ByteMel } from './shards.js';
import { melFrames } from './shards.js';
import { LETTER_CLASSES, LETTER_ROWS, letterTurns, spokenLoss, WORD_CLASSES, wordTurns } from './spoken.js';
import { TAG_WEIGHTS, TAGS, tagScene } from './tags.js';

/** A clip with its picture. */
export interface Clip {
  scene: Scene;
  mel: ByteMel;
}

/** Clips laid into one batch: which tokens belong to which clip. */
export interface EncoderBatch {
  inputs: Record<string, Value>;
  spans: ({ clip: Clip } & Span)[];
  /** seconds of sound */
  seconds: number;
}

/** Mel frames of a token, and of the empty token behind each clip, which keeps the convolutions of two clips apart. */
const STEP = 8;

/** Initial weights: normal, scaled by the number of inputs (He), ones for norms, zeros for biases. */
export function initialEncoder(config: AudioConfig, random: Random): Map<string, Float32Array> {
  const shapes = encoderTensors(config);
  shapes.set('tag_head.weight', [TAGS.length, config.output_dim]);
  shapes.set('tag_head.bias', [TAGS.length]);
  shapes.set('word_head.weight', [WORD_CLASSES, config.output_dim]);
  shapes.set('word_head.bias', [WORD_CLASSES]);
  shapes.set('letter_head.weight', [LETTER_ROWS * LETTER_CLASSES, config.output_dim]);
  shapes.set('letter_head.bias', [LETTER_ROWS * LETTER_CLASSES]);
  const values = new Map<string, Float32Array>();
  for (const [name, shape] of shapes) {
    const size = shape.reduce((a, b) => a * b, 1);
    const isNorm = /(norm|ln_post)\.weight$/.test(name);
    const fanIn = size / shape[0];
    const scale = Math.sqrt((name.includes('conv2d') ? 2 : 1) / fanIn) * gain(name);
    const fill = (): number =>
      isNorm ? 1 : shape.length === 1 ? (name === 'tag_head.bias' ? -3 : 0) : random.normal() * scale;
    values.set(name, Float32Array.from({ length: size }, fill));
  }
  return values;
}

/**
 * What is heard must stand out from positions (rms 0.7) when it enters, and every block must begin by adding little, or the
 * first hundreds of steps are spent on digging it out.
 */
const gain = (name: string): number => (name.includes('conv_out') ? 4 : /out_proj|fc2/.test(name) ? 0.1 : 1);

/** Features [frames / 8, output_dim] of clips that lie one behind the other in a picture, with the inputs of {@link layPictures}. */
export function packedFeatures(graph: Graph, config: AudioConfig, frames: number): Tensor {
  const tokens = frames / STEP;
  const picture = graph.input('picture', 'float32', [1, 1, config.num_mel_bins, frames]);
  const mask = graph.input('mask', 'float32', [1, 1, tokens, tokens]);
  const steps = (n: number) => graph.input(`steps.${n}`, 'float32', [1, 1, 1, frames / 2 ** n]);
  const apart: Apart = {
    steps: [steps(1), steps(2)],
    positions: graph.input('positions', 'float32', [1, tokens, config.d_model]),
  };
  return reshape(encodeTokens(embedChunks(picture, config, apart), mask, config), [tokens, config.output_dim]);
}

/** The heads of pre-training, for a picture of `frames` mel frames. */
function network(graph: Graph, config: AudioConfig, frames: number): Record<'tags' | 'words' | 'letters', Tensor> {
  const features = packedFeatures(graph, config, frames);
  return {
    tags: affine(features, 'tag_head', TAGS.length),
    words: affine(features, 'word_head', WORD_CLASSES),
    letters: affine(features, 'letter_head', LETTER_ROWS * LETTER_CLASSES),
  };
}

/** log(1 + e^x) without overflow. */
function softplus(x: Tensor): Tensor {
  const positive = maximum(x, 0);
  const magnitude = sub(mul(positive, 2), x);
  return add(positive, log(add(exp(neg(magnitude)), 1)));
}

/** Losses a label. */
export interface SpokenLosses {
  words: number;
  letters: number;
}

/** Logits of the heads: tags [tokens, TAGS], words [tokens, WORD_CLASSES], letters [tokens, LETTER_ROWS * LETTER_CLASSES]. */
export interface HeadOutputs {
  tags: Float32Array;
  words: Float32Array;
  letters: Float32Array;
}

/** Trainer, and the forward pass that CTC's gradient needs first. */
export interface EncoderTrainer {
  trainer: Trainer;
  /** Adds the gradient of words and letters to a batch. */
  addSpoken(batch: EncoderBatch): Promise<SpokenLosses>;
  forward(batch: EncoderBatch): Promise<HeadOutputs>;
}

/** @param frames mel frames of a batch's picture, a multiple of 8 */
export async function createEncoderTrainer(
  config: AudioConfig,
  frames: number,
  values: Map<string, Float32Array>,
  threads: number,
): Promise<EncoderTrainer> {
  const forwardGraph = new Graph();
  for (const [name, head] of Object.entries(network(forwardGraph, config, frames))) forwardGraph.output(name, head);
  const session = await Session.create(forwardGraph, { threads });

  const graph = new Graph();
  const { tags, words, letters } = network(graph, config, frames);
  const tokens = frames / STEP;
  const target = graph.input('tag_target', 'float32', [tokens, TAGS.length]);
  const weight = graph.input('tag_weight', 'float32', [tokens, TAGS.length]);
  // A present tag weighs more than an absent one: most tags are absent most of the time.
  const positive = add(mul(target, POSITIVE_WEIGHT - 1), 1);
  const bce = mul(sub(softplus(tags), mul(target, tags)), positive);
  const tagLoss = sumAll(mul(bce, weight));
  // The gradient of these products with respect to the logits is the CTC gradient, computed outside the graph.
  const outside = (logits: Tensor, name: string) =>
    sumAll(mul(logits, graph.input(name, 'float32', logits.shape as number[])));
  const spoken = add(outside(words, 'word_grad'), outside(letters, 'letter_grad'));
  const trainer = await Trainer.create(graph, { loss: add(tagLoss, spoken), tags: tagLoss }, values, {
    threads,
    weightDecay: 0.01,
    beta2: 0.98,
  });

  const parameters: Record<string, Value> = {};
  for (const [name, data] of trainer.parameters) {
    parameters[name] = { data, dims: graph.parameters.get(name)!.shape as number[] };
  }
  const forward: EncoderTrainer['forward'] = async (batch) => {
    const out = await session.run({ ...parameters, ...batch.inputs });
    const logits = (name: string) => out[name].data as Float32Array;
    return { tags: logits('tags'), words: logits('words'), letters: logits('letters') };
  };
  const addSpoken: EncoderTrainer['addSpoken'] = async (batch) => {
    const out = await forward(batch);
    const add = (name: 'words' | 'letters', width: number, input: string, scale: number, loss: SpanLoss): number => {
      const grad = new Float32Array(tokens * width);
      let [total, count] = [0, 0];
      for (const { clip, start, tokens: length } of batch.spans) {
        const found = loss(out[name].subarray(start * width, (start + length) * width), clip.scene, length);
        total += found.loss;
        count += found.count;
        grad.set(found.grad, start * width);
      }
      for (let i = 0; i < grad.length; i++) grad[i] *= scale / Math.max(1, count);
      batch.inputs[input] = { data: grad, dims: [tokens, width] };
      return total / Math.max(1, count);
    };
    const wordLoss: SpanLoss = (logits, scene, length) =>
      spokenLoss(logits, length, 1, WORD_CLASSES, wordTurns(scene, length));
    const letterLoss: SpanLoss = (logits, scene, length) =>
      spokenLoss(logits, length, LETTER_ROWS, LETTER_CLASSES, letterTurns(scene, length));
    return {
      words: add('words', WORD_CLASSES, 'word_grad', WORD_WEIGHT, wordLoss),
      letters: add('letters', LETTER_ROWS * LETTER_CLASSES, 'letter_grad', LETTER_WEIGHT, letterLoss),
    };
  };
  return { trainer, addSpoken, forward };
}

type SpanLoss = (
  logits: Float32Array,
  scene: Scene,
  tokens: number,
) => { loss: number; grad: Float32Array; count: number };

const POSITIVE_WEIGHT = 3;
/** Weights of words and letters (each) beside the tags (a token, summed over tags). */
const WORD_WEIGHT = 3;
const LETTER_WEIGHT = 5;

/** Frames of the batch's picture that a clip takes. */
export const framesOf = ({ mel }: Pick<Clip, 'mel'>): number => STEP * (chunkTokens(mel.frames) + 1);

/** Where a clip lies in a batch: its first token, and how many it has. */
export interface Span {
  start: number;
  tokens: number;
}

/** Lays pictures one behind the other into one of `frames` mel frames; they must fit. */
export function layPictures(
  config: AudioConfig,
  frames: number,
  mels: readonly ByteMel[],
): { inputs: Record<string, Value>; spans: Span[] } {
  const { num_mel_bins: bands, d_model: width } = config;
  const tokens = frames / STEP;
  const picture = new Float32Array(bands * frames);
  const positions = new Float32Array(tokens * width);
  const steps = [2, 4].map((n) => new Float32Array(frames / n));
  const owner = new Int32Array(tokens).fill(-1);
  const spans: Span[] = [];
  const table = positionTable(Math.max(0, ...mels.map((mel) => chunkTokens(mel.frames))), width);
  let used = 0;
  for (const mel of mels) {
    if (mel.frames > 2 * config.n_window) throw new Error(`a clip of ${mel.frames} frames is longer than a chunk`);
    if (used + framesOf({ mel }) > frames) throw new Error(`the clips of a batch do not fit ${frames} frames`);
    melFrames(mel, 0, mel.frames, picture, used, frames);
    const [start, length] = [used / STEP, chunkTokens(mel.frames)];
    let left = mel.frames;
    for (const [i, n] of [2, 4].entries()) {
      left = Math.ceil(left / 2);
      steps[i].fill(1, used / n, used / n + left);
    }
    positions.set(table.subarray(0, length * width), start * width);
    owner.fill(spans.length, start, start + length);
    spans.push({ start, tokens: length });
    used += framesOf({ mel });
  }
  const mask = new Float32Array(tokens * tokens);
  for (let i = 0; i < tokens; i++) {
    for (let j = 0; j < tokens; j++) if (owner[i] !== owner[j] && i !== j) mask[i * tokens + j] = HIDDEN;
  }
  const inputs: Record<string, Value> = {
    picture: { data: picture, dims: [1, 1, bands, frames] },
    positions: { data: positions, dims: [1, tokens, width] },
    'steps.1': { data: steps[0], dims: [1, 1, 1, frames / 2] },
    'steps.2': { data: steps[1], dims: [1, 1, 1, frames / 4] },
    mask: { data: mask, dims: [1, 1, tokens, tokens] },
  };
  return { inputs, spans };
}

/**
 * Lays clips with their tags into a batch. With `augment`, each picture gets a random offset in level and a masked band.
 */
export function layClips(config: AudioConfig, frames: number, clips: readonly Clip[], augment?: Random): EncoderBatch {
  const tokens = frames / STEP;
  const laid = layPictures(
    config,
    frames,
    clips.map(({ mel }) => mel),
  );
  const spans = laid.spans.map((span, i) => ({ clip: clips[i], ...span }));
  const target = new Float32Array(tokens * TAGS.length);
  const weight = new Float32Array(tokens * TAGS.length);
  const counted = spans.reduce((n, s) => n + s.tokens, 0);
  let seconds = 0;
  for (const { clip, start, tokens: length } of spans) {
    if (augment) {
      const picture = laid.inputs.picture.data as Float32Array;
      disturb(picture, start * STEP, clip.mel.frames, frames, config, augment);
    }
    tagScene(clip.scene, length, target, start);
    for (let t = start; t < start + length; t++) {
      TAG_WEIGHTS.forEach((w, k) => {
        weight[t * TAGS.length + k] = w / counted;
      });
    }
    seconds += clip.mel.frames / 100;
  }
  const inputs: Record<string, Value> = {
    ...laid.inputs,
    tag_target: { data: target, dims: [tokens, TAGS.length] },
    tag_weight: { data: weight, dims: [tokens, TAGS.length] },
  };
  return { inputs, spans, seconds };
}

/** Deviation of each wave of the random colour: 0.075 of the picture's scale is 3 dB. */
const COLOUR = 0.075;

/**
 * SpecAugment (Park et al. 2019) in small: one masked band of up to 12 mel bands; and another microphone: a random level
 * and a random smooth colour over the bands, so that the small world's own sound is not all that is known.
 */
function disturb(
  picture: Float32Array,
  first: number,
  count: number,
  stride: number,
  config: AudioConfig,
  random: Random,
): void {
  const offset = random.range(-0.15, 0.15);
  const waves = [1, 2, 3].map((n) => ({ n, size: random.normal() * COLOUR, phase: random.range(0, 2 * Math.PI) }));
  const bands = random.chance(0.5) ? random.int(13) : 0;
  const low = random.int(config.num_mel_bins - bands);
  for (let band = 0; band < config.num_mel_bins; band++) {
    const place = (Math.PI * band) / config.num_mel_bins;
    const change = waves.reduce((sum, { n, size, phase }) => sum + size * Math.cos(n * place + phase), offset);
    const at = band * stride + first;
    if (band >= low && band < low + bands) picture.fill(0, at, at + count);
    else for (let t = at; t < at + count; t++) picture[t] += change;
  }
}
