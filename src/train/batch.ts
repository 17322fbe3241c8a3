/** Packed samples as the inputs of the language model's training graph (model/language-model.ts, `trainingLoss`). */
import type { BagpiperConfig, Pack, TrainingSizes } from '../model/index.js';
import { rotaryValues } from '../model/index.js';
import { HIDDEN } from '../nn/index.js';
import type { Value } from '../runtime/index.js';

/** One row of the batch: a pack, and the encoder features of each of its continuous spans, [length, adaptor_input_dim]. */
export interface PackedRow {
  pack: Pack;
  features: Float32Array[];
  /** of each of its samples, the rows that are told where to look; absent: none */
  followed?: readonly (readonly Followed[])[];
}

/** A row of a sample, and the rows of it that it should look at, `to` not included. */
export interface Followed {
  row: number;
  from: number;
  to: number;
  /** which letter of the text is being said, counting from a, see `spelledLoss` of model/language-model.ts; absent: it is not told */
  letter?: number;
}

/** A batch ready to run, with what it holds. */
export interface Batch {
  inputs: Record<string, Value>;
  /** rows that are not padding */
  tokens: number;
  /** rows whose stream-0 target is scored: the loss's denominator */
  denominator: number;
}

/** Scored places of a batch, collected before they are laid out in arrays of fixed size. */
interface Scored {
  at: number[];
  target: number[];
  weight: number[];
  stream: number[];
}

const emptyScored = (): Scored => ({ at: [], target: [], weight: [], stream: [] });

/**
 * Lays out packs of exactly `sizes.rows` rows.
 *
 * @throws Error when there are more features than the graph has room for; the caller plans for that
 */
export function layBatch(rows: readonly PackedRow[], sizes: TrainingSizes, config: BagpiperConfig): Batch {
  const { batch, rows: length } = sizes;
  const streams = config.num_stream;
  if (rows.length !== batch) throw new Error(`${rows.length} packs for a batch of ${batch}`);
  const ids = new BigInt64Array(batch * length * streams);
  const positions = new Int32Array(batch * length);
  const featureAt = new BigInt64Array(batch * length);
  const features = new Float32Array(sizes.features * config.adaptor_input_dim);
  const text = emptyScored();
  const codes = emptyScored();
  let denominator = 0;
  let tokens = 0;
  let featureCount = 0;
  rows.forEach(({ pack, features: spans }, b) => {
    if (pack.length !== length) throw new Error(`a pack of ${pack.length} rows in a batch of ${length}`);
    const start = b * length;
    for (let i = 0; i < pack.ids.length; i++) ids[start * streams + i] = BigInt(pack.ids[i]);
    positions.set(pack.positionIds, start);
    tokens += pack.used;
    pack.continuous.forEach((span, k) => {
      if (spans[k].length !== span.length * config.adaptor_input_dim)
        throw new Error(`${spans[k].length} numbers for ${span.length} features of ${config.adaptor_input_dim}`);
      if (featureCount + span.length > sizes.features)
        throw new Error(`${featureCount + span.length} features, room for ${sizes.features}`);
      features.set(spans[k], featureCount * config.adaptor_input_dim);
      for (let i = 0; i < span.length; i++) featureAt[start + span.start + i] = BigInt(++featureCount);
    });
    denominator += collect(pack, start, config, text, codes);
  });
  const inputs: Record<string, Value> = {
    ids: { data: ids, dims: [batch, length, streams] },
    mask: attentionMask(rows, sizes, config),
    ...rotaryInputs(positions, sizes, config),
    ...scoredInputs(text, sizes.scored, denominator, ''),
    ...(sizes.codecSoftmax === 'own'
      ? ownCodesInputs(codes, sizes.scoredCodes, denominator, config)
      : scoredInputs(codes, sizes.scoredCodes, denominator, '_codes')),
  };
  if (sizes.features > 0) {
    inputs.features = { data: features, dims: [sizes.features, config.adaptor_input_dim] };
    inputs.feature_at = { data: featureAt, dims: [batch * length] };
  }
  if (sizes.guided !== undefined) Object.assign(inputs, guidedInputs(rows, sizes, denominator));
  if (sizes.spelled !== undefined) Object.assign(inputs, spelledInputs(rows, sizes, denominator));
  return { inputs, tokens, denominator };
}

/** Finds the scored places of a pack: row t predicts row t + 1. Returns how many rows count in the denominator. */
function collect(pack: Pack, start: number, config: BagpiperConfig, text: Scored, codes: Scored): number {
  const streams = config.num_stream;
  const base = config.codec_base_offset;
  let counted = 0;
  for (let t = 0; t + 1 < pack.length; t++) {
    const next = (t + 1) * streams;
    if (pack.lossMask[next] > 0) counted++;
    for (let n = 0; n < streams; n++) {
      const weight = pack.lossMask[next + n];
      const id = pack.ids[next + n];
      if (weight === 0 || id === 0 || (n > 0 && id < base)) continue;
      const into = n === 0 ? text : codes;
      into.at.push(start + t);
      into.target.push(n === 0 ? id : id - base);
      into.weight.push(weight);
      into.stream.push(n);
    }
  }
  return counted;
}

/** Where there are more places than room: an even selection, weighted up so that the loss stays the same on average. */
function thin(scored: Scored, room: number): Scored {
  const count = scored.at.length;
  if (count <= room) return scored;
  const chosen = Array.from({ length: room }, (_, i) => Math.floor((i * count) / room));
  return {
    at: chosen.map((i) => scored.at[i]),
    target: chosen.map((i) => scored.target[i]),
    weight: chosen.map((i) => (scored.weight[i] * count) / room),
    stream: chosen.map((i) => scored.stream[i]),
  };
}

function scoredInputs(scored: Scored, room: number, denominator: number, suffix: string): Record<string, Value> {
  const kept = thin(scored, room);
  const whole = (values: number[]): Value => {
    const data = new BigInt64Array(room);
    values.forEach((v, i) => {
      data[i] = BigInt(v);
    });
    return { data, dims: [room] };
  };
  const weight = new Float32Array(room);
  kept.weight.forEach((w, i) => {
    weight[i] = w / Math.max(1, denominator);
  });
  const inputs: Record<string, Value> = {
    [`scored${suffix}`]: whole(kept.at),
    [`target${suffix}`]: whole(kept.target),
    [`weight${suffix}`]: { data: weight, dims: [room] },
  };
  if (suffix) inputs[`stream${suffix}`] = whole(kept.stream);
  return inputs;
}

/** The codes stream by stream, `room` entries each; targets count from the stream's first id. */
function ownCodesInputs(
  codes: Scored,
  room: number,
  denominator: number,
  config: BagpiperConfig,
): Record<string, Value> {
  const count = (config.num_stream - 1) * room;
  const at = new BigInt64Array(count);
  const target = new BigInt64Array(count);
  const weight = new Float32Array(count);
  for (let s = 1; s < config.num_stream; s++) {
    const own = emptyScored();
    codes.stream.forEach((stream, i) => {
      if (stream !== s) return;
      own.at.push(codes.at[i]);
      own.target.push(codes.target[i] - s * config.codec_layer_size);
      own.weight.push(codes.weight[i]);
      own.stream.push(s);
    });
    const kept = thin(own, room);
    kept.at.forEach((row, i) => {
      const place = (s - 1) * room + i;
      at[place] = BigInt(row);
      target[place] = BigInt(kept.target[i]);
      weight[place] = kept.weight[i] / Math.max(1, denominator);
    });
  }
  return {
    scored_codes: { data: at, dims: [count] },
    target_codes: { data: target, dims: [count] },
    weight_codes: { data: weight, dims: [count] },
  };
}

/** 0 where a row may look (its own sample, itself and before), HIDDEN elsewhere; one line for each query head of a group. */
function attentionMask(rows: readonly PackedRow[], sizes: TrainingSizes, config: BagpiperConfig): Value {
  const { batch, rows: length } = sizes;
  const group = config.num_attention_heads / config.num_key_value_heads;
  const data = new Float32Array(batch * length * group * length).fill(HIDDEN);
  rows.forEach(({ pack }, b) => {
    for (let t = 0; t < length; t++) {
      const first = t - pack.positionIds[t];
      for (let g = 0; g < group; g++) {
        const line = ((b * length + t) * group + g) * length;
        data.fill(0, line + first, line + t + 1);
      }
    }
  });
  return { data, dims: [batch, 1, length * group, length] };
}

/** Rows that are told something: where in the batch they lie (`line`), and where in its packed row their sample begins (`start`). */
function* followedRows(
  packed: readonly PackedRow[],
  rows: number,
): Generator<Followed & { line: number; start: number }> {
  for (const [b, { pack, followed = [] }] of packed.entries()) {
    for (const [k, sample] of followed.entries()) {
      const start = pack.sampleStarts[k];
      for (const told of sample) yield { ...told, line: b * rows + start + told.row, start };
    }
  }
}

/** What a row that is told where to look counts beside one that is to be foretold. */
const GUIDED = 1;

function guidedInputs(
  packed: readonly PackedRow[],
  { batch, rows }: TrainingSizes,
  denominator: number,
): Record<string, Value> {
  const window = new Float32Array(batch * rows * rows);
  const weight = new Float32Array(batch * rows);
  for (const { line, start, from, to } of followedRows(packed, rows)) {
    weight[line] = GUIDED / Math.max(1, denominator);
    window.fill(1, line * rows + start + from, line * rows + start + to);
  }
  return {
    guided_window: { data: window, dims: [batch, rows, rows] },
    guided_weight: { data: weight, dims: [batch, rows] },
  };
}

/** What a row that is told its letter counts beside one that is to be foretold. */
const SPELLED = 1;

function spelledInputs(
  packed: readonly PackedRow[],
  { batch, rows }: TrainingSizes,
  denominator: number,
): Record<string, Value> {
  const target = new BigInt64Array(batch * rows);
  const weight = new Float32Array(batch * rows);
  for (const { line, letter } of followedRows(packed, rows)) {
    if (letter === undefined) continue;
    target[line] = BigInt(letter);
    weight[line] = SPELLED / Math.max(1, denominator);
  }
  return {
    target_letters: { data: target, dims: [batch * rows] },
    weight_letters: { data: weight, dims: [batch * rows] },
  };
}

function rotaryInputs(
  positions: Int32Array,
  { batch, rows }: TrainingSizes,
  config: BagpiperConfig,
): Record<string, Value> {
  const { cos, sin } = rotaryValues(positions, config);
  const dims = [batch, rows, 1, config.head_dim / 2];
  return { cos: { data: cos, dims }, sin: { data: sin, dims } };
}
