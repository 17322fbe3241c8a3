/**
 * What the audio adaptor starts from: the linear map that brings encoder features nearest, by least squares, to the
 * embeddings of the words that describe them. A frame in which a dog barks then looks to the language model like the words
 * "dog bark", and saying what is heard begins as copying, which it learns anyway.
 */
import { backSolve, cholesky, forwardSolve } from '../../algebra/index.js';
import type { Scene } from '../../corpus/index.js';
import { BagpiperError } from '../../errors.js';
import type { Tokenizer } from '../../text/index.js';
import { WORD_CLASSES, wordOf } from './spoken.js';
import { TAGS, tagScene } from './tags.js';

/** A clip as the frozen encoder hears it: features [tokens, width]. */
export interface HeardClip {
  scene: Scene;
  features: Float32Array;
}

/** The encoder's own word head (pre-training's), which tells where words are: [classes, width] and [classes]. */
export interface WordHead {
  weight: Float32Array;
  bias: Float32Array;
}

export interface AdaptorFit {
  clips: readonly HeardClip[];
  words: WordHead;
  tokenizer: Tokenizer;
  /** embedding table [ids, hidden] */
  embeddings: Float32Array;
  /** id of the tokenizer's first token in the table */
  firstText: number;
  hidden: number;
  width: number;
}

/** Tags whose names say nothing that a caption says. */
const UNSAID = /^voice /;
const CATEGORY = /^(accent|mood|pace|instrument|tempo|mode|music|event|ambience) (?=.)/;
/** Against features that hardly vary. */
const RIDGE = 1e-3;
/** How sure the word head must be of a word. */
const SURE = 0.5;
const STILL = 'The encoder features do not vary: the audio encoder is not trained.';

/**
 * @returns weight [hidden, width] and bias [hidden]
 * @throws BagpiperError where features are the same everywhere, or are no numbers
 */
export function fitAdaptor(options: AdaptorFit): Adaptor {
  const { clips, hidden, width } = options;
  const tagVectors = TAGS.map((tag) => (UNSAID.test(tag) ? null : embed(tag.replace(CATEGORY, ''), options)));
  const wordVectors = new Map<number, Float32Array>();
  const wordVector = (kind: number): Float32Array => {
    let known = wordVectors.get(kind);
    if (!known) {
      known = embed(wordOf(kind), options);
      wordVectors.set(kind, known);
    }
    return known;
  };
  const equations = new Equations(width, hidden);
  const row = equations.row;
  for (const { scene, features } of clips) {
    const tokens = features.length / width;
    const tags = new Float32Array(tokens * TAGS.length);
    tagScene(scene, tokens, tags, 0);
    for (let t = 0; t < tokens; t++) {
      row.set(features.subarray(t * width, (t + 1) * width));
      const target = new Float64Array(hidden);
      const include = (vector: Float32Array | null) => {
        vector?.forEach((v, i) => {
          target[i] += v;
        });
      };
      for (let k = 0; k < TAGS.length; k++) if (tags[t * TAGS.length + k] > 0) include(tagVectors[k]);
      const word = scene.speech.length > 0 ? surestWord(row, options.words, width) : 0;
      if (word > 0) include(wordVector(word));
      equations.add(target);
    }
  }
  return equations.solve();
}

/** A linear map and its offset: weight [hidden, width] and bias [hidden]. */
export interface Adaptor {
  weight: Float32Array;
  bias: Float32Array;
}

/**
 * The adaptor for an encoder that was trained on: of its features it makes, by least squares, what the old one made of the
 * features before, so that the language model goes on from where it was.
 *
 * @param clips features of the same clips, [tokens, width], by the encoder as it was and as it is
 * @throws BagpiperError as {@link fitAdaptor} does
 */
export function carryAdaptor(
  adaptor: Adaptor,
  clips: readonly { before: Float32Array; now: Float32Array }[],
  width: number,
): Adaptor {
  const hidden = adaptor.bias.length;
  const equations = new Equations(width, hidden);
  const target = new Float64Array(hidden);
  for (const { before, now } of clips) {
    for (let at = 0; at < now.length; at += width) {
      for (let j = 0; j < hidden; j++) {
        target[j] = adaptor.bias[j];
        for (let i = 0; i < width; i++) target[j] += adaptor.weight[j * width + i] * before[at + i];
      }
      equations.row.set(now.subarray(at, at + width));
      equations.add(target);
    }
  }
  return equations.solve();
}

/** The normal equations of a linear map with an offset. */
class Equations {
  /** the features of the next equation, and a 1 for the offset */
  readonly row: Float64Array;
  private readonly gram: Float64Array;
  private readonly right: Float64Array;

  constructor(
    private readonly width: number,
    private readonly hidden: number,
  ) {
    const size = width + 1;
    this.row = new Float64Array(size).fill(1);
    this.gram = new Float64Array(size * size);
    this.right = new Float64Array(size * hidden);
  }

  /** Adds the equation that {@link row} gives the target. */
  add(target: Float64Array): void {
    const { row, gram, right, hidden } = this;
    const size = row.length;
    for (let i = 0; i < size; i++) {
      const x = row[i];
      for (let j = 0; j <= i; j++) gram[i * size + j] += x * row[j];
      for (let j = 0; j < hidden; j++) right[i * hidden + j] += x * target[j];
    }
  }

  /** @throws BagpiperError where features are the same everywhere, or are no numbers */
  solve(): Adaptor {
    const { gram, right, width, hidden } = this;
    const size = width + 1;
    if (!vary(gram, width)) throw new BagpiperError(STILL);
    for (let i = 0; i < size; i++) gram[i * size + i] *= 1 + RIDGE;
    const factor = cholesky(gram, size);
    if (!factor) throw new BagpiperError(STILL);
    const solution = backSolve(factor, forwardSolve(factor, right, hidden), hidden);
    const weight = new Float32Array(hidden * width);
    for (let i = 0; i < width; i++) for (let j = 0; j < hidden; j++) weight[j * width + i] = solution[i * hidden + j];
    return { weight, bias: Float32Array.from(solution.subarray(width * hidden)) };
  }
}

/** Mean embedding of a text's tokens, as it stands within a sentence. */
function embed(text: string, { tokenizer, embeddings, firstText, hidden }: AdaptorFit): Float32Array {
  const ids = tokenizer.encode(` ${text}`);
  const mean = new Float32Array(hidden);
  for (const id of ids) {
    for (let i = 0; i < hidden; i++) mean[i] += embeddings[(firstText + id) * hidden + i] / ids.length;
  }
  return mean;
}

/** The word class that the head is sure of at a token; 0 where there is none. */
function surestWord(features: Float64Array, { weight, bias }: WordHead, width: number): number {
  const logits = Float64Array.from({ length: WORD_CLASSES }, (_, k) => {
    let sum = bias[k];
    for (let i = 0; i < width; i++) sum += weight[k * width + i] * features[i];
    return sum;
  });
  let best = 0;
  for (let k = 1; k < WORD_CLASSES; k++) if (logits[k] > logits[best]) best = k;
  if (best === 0) return 0;
  const total = logits.reduce((sum, x) => sum + Math.exp(x - logits[best]), 0);
  return 1 / total > SURE ? best : 0;
}

/** Whether features differ between tokens, by the lower triangle of their products [width + 1, width + 1]. */
function vary(gram: Float64Array, width: number): boolean {
  const size = width + 1;
  const sums = gram.subarray(width * size);
  let [energy, variance] = [0, 0];
  for (let i = 0; i < width; i++) {
    energy += gram[i * size + i];
    variance += gram[i * size + i] - sums[i] ** 2 / sums[width];
  }
  return variance > 1e-6 * energy;
}
