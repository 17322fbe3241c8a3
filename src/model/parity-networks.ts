/** The language model's graphs, laid open for checks: every layer's output, all logits, the training loss. */
import { cast, Graph, where } from '../graph/index.js';
import { HIDDEN } from '../nn/index.js';
import { type Device, Session, type SessionOptions, type Value } from '../runtime/index.js';
import { openModelFolder, toFloat32 } from '../weights/index.js';
import { type BagpiperConfig, parseConfig } from './config.js';
import {
  adaptor,
  decoder,
  embedRows,
  fullHead,
  languageModelTensors,
  rotaryValues,
  type TrainingSizes,
  trainingLoss,
} from './language-model.js';

/** Features that take the place of rows from `start` on, [n, adaptor_input_dim]. */
export interface FeatureSpan {
  start: number;
  features: Float32Array;
}

/** One row of the batch, samples packed or alone. */
export interface ReferenceRows {
  /** [rows, num_stream] */
  ids: ArrayLike<number>;
  /** position of each row in its own sample, [rows]; attention does not reach before position 0 */
  positions: ArrayLike<number>;
  spans: readonly FeatureSpan[];
}

/** What {@link ReferenceNetworks.forward} gives; each [rows, hidden]. */
export interface ForwardValues {
  embeds: Float32Array;
  layers: Float32Array[];
  last: Float32Array;
}

export class ReferenceNetworks {
  private constructor(
    readonly config: BagpiperConfig,
    private readonly options: Required<Pick<SessionOptions, 'parameters'>> & SessionOptions,
    private readonly stack: Session,
    private readonly head: Session,
    private readonly adapting: Session,
  ) {}

  /** @throws BagpiperError where config or weights are missing, or a tensor is not as it must be */
  static async open(folder: string, threads?: number, device?: Device): Promise<ReferenceNetworks> {
    const weights = openModelFolder(folder);
    const config = parseConfig(weights.config, weights.configFile);
    // A checkpoint may hold the audio encoder and the codec as well; they are not looked at here.
    weights.requireTensors(languageModelTensors(config), { ignore: () => true });
    const parameters = (name: string) => ({ data: toFloat32(weights.tensor(name)) });
    const options = { threads, device, parameters };
    const build = (network: (graph: Graph) => void): Promise<Session> => {
      const graph = new Graph();
      network(graph);
      return Session.create(graph, options);
    };
    return new ReferenceNetworks(
      config,
      options,
      await build((graph) => openStack(graph, config)),
      await build((graph) => fullHead(graph, config)),
      await build((graph) => {
        const features = graph.input('features', 'float32', ['n', config.adaptor_input_dim]);
        graph.output('adapted', adaptor(features, config));
      }),
    );
  }

  /** The values of the folder's tensors, for other graphs of the same model. */
  get parameters(): NonNullable<SessionOptions['parameters']> {
    return this.options.parameters;
  }

  /** Encoder features [n, adaptor_input_dim] -> [n, hidden]. */
  async adapt(features: Float32Array): Promise<Float32Array> {
    const width = this.config.adaptor_input_dim;
    const dims = [features.length / width, width];
    const { adapted } = await this.adapting.run({ features: { data: features, dims } });
    return adapted.data as Float32Array;
  }

  /** The decoder over whole rows at once, without a cache. */
  async forward(rows: ReferenceRows): Promise<ForwardValues> {
    const { hidden_size: width, num_stream: streams, num_hidden_layers: layers } = this.config;
    const count = rows.positions.length;
    const features = new Float32Array(count * width);
    const isFeature = new Float32Array(count);
    for (const span of rows.spans) {
      const adapted = await this.adapt(span.features);
      features.set(adapted, span.start * width);
      isFeature.fill(1, span.start, span.start + adapted.length / width);
    }
    const out = await this.stack.run({
      ids: { data: BigInt64Array.from(rows.ids, BigInt), dims: [1, count, streams] },
      features: { data: features, dims: [1, count, width] },
      is_feature: { data: isFeature, dims: [1, count, 1] },
      ...this.positionInputs(rows.positions),
    });
    const values = (name: string): Float32Array => out[name].data as Float32Array;
    return {
      embeds: values('embeds'),
      layers: Array.from({ length: layers }, (_, i) => values(`layer.${i}`)),
      last: values('last'),
    };
  }

  /** All logits of all streams: vectors [n, hidden] -> [n, num_stream, vocab_size]. */
  async logits(hidden: Float32Array): Promise<Float32Array> {
    const width = this.config.hidden_size;
    const { logits } = await this.head.run({ hidden: { data: hidden, dims: [hidden.length / width, width] } });
    return logits.data as Float32Array;
  }

  /** The training graph's loss of one row, and its denominator. @param mask [rows, num_stream] */
  async loss(rows: ReferenceRows, mask: ArrayLike<number>): Promise<{ loss: number; denominator: number }> {
    const { config } = this;
    const count = rows.positions.length;
    const scored = scoredPlaces(rows.ids, mask, config);
    const { text, codes, denominator } = scored;
    const featureCount = rows.spans.reduce((n, { features }) => n + features.length / config.adaptor_input_dim, 0);
    // A graph has room for at least one of each; an unused place weighs 0.
    const sizes: TrainingSizes = {
      batch: 1,
      rows: count,
      scored: Math.max(1, text.length),
      scoredCodes: Math.max(1, codes.length),
      features: featureCount,
    };
    const graph = new Graph();
    graph.output('loss', trainingLoss(graph, config, sizes).loss);
    const session = await Session.create(graph, this.options);
    const { loss } = await session.run({
      ids: { data: BigInt64Array.from(rows.ids, BigInt), dims: [1, count, config.num_stream] },
      ...this.positionInputs(rows.positions),
      ...(featureCount > 0 ? featureInputs(rows.spans, count, featureCount, config) : {}),
      ...placeInputs(text, sizes.scored, '', denominator, config),
      ...placeInputs(codes, sizes.scoredCodes, '_codes', denominator, config),
    });
    await session.release();
    return { loss: (loss.data as Float32Array)[0], denominator };
  }

  async release(): Promise<void> {
    for (const session of [this.stack, this.head, this.adapting]) await session.release();
  }

  /** Rotary angles, and the mask of causal attention inside each sample. */
  private positionInputs(positions: ArrayLike<number>): Record<string, Value> {
    const { config } = this;
    const count = positions.length;
    const { cos, sin } = rotaryValues(positions, config);
    const dims = [1, count, 1, config.head_dim / 2];
    const group = config.num_attention_heads / config.num_key_value_heads;
    const mask = new Float32Array(count * group * count).fill(HIDDEN);
    for (let t = 0; t < count; t++) {
      for (let g = 0; g < group; g++) {
        const line = (t * group + g) * count;
        mask.fill(0, line + t - positions[t], line + t + 1);
      }
    }
    return {
      cos: { data: cos, dims },
      sin: { data: sin, dims },
      mask: { data: mask, dims: [1, 1, count * group, count] },
    };
  }
}

function openStack(graph: Graph, config: BagpiperConfig): void {
  const { hidden_size: width, num_stream: streams, head_dim: dim } = config;
  const ids = graph.input('ids', 'int64', [1, 'rows', streams]);
  const features = graph.input('features', 'float32', [1, 'rows', width]);
  const isFeature = graph.input('is_feature', 'float32', [1, 'rows', 1]);
  const [cos, sin] = ['cos', 'sin'].map((name) => graph.input(name, 'float32', [1, 'rows', 1, dim / 2]));
  const group = config.num_attention_heads / config.num_key_value_heads;
  const mask = graph.input('mask', 'float32', [1, 1, `rows*${group}`, 'rows']);
  const embeds = where(cast(isFeature, 'bool'), features, embedRows(ids, config));
  graph.output('embeds', embeds);
  const last = decoder(embeds, { cos, sin }, mask, config, ({ x }, layer) => graph.output(`layer.${layer}`, x));
  graph.output('last', last);
}

/** A scored entry: row `at` predicts `target` on `stream`. */
interface Place {
  at: number;
  stream: number;
  target: number;
  weight: number;
}

/** Entries with a loss, and how many rows count: docs/model.md, "Loss". */
function scoredPlaces(
  ids: ArrayLike<number>,
  mask: ArrayLike<number>,
  config: BagpiperConfig,
): { text: Place[]; codes: Place[]; denominator: number } {
  const streams = config.num_stream;
  const text: Place[] = [];
  const codes: Place[] = [];
  let denominator = 0;
  for (let i = streams; i < ids.length; i++) {
    const [at, stream, target, weight] = [Math.floor(i / streams) - 1, i % streams, ids[i], mask[i]];
    if (stream === 0 && weight !== 0) denominator++;
    if (weight === 0) continue;
    if (stream === 0 && target !== config.pad_token_id) text.push({ at, stream, target, weight });
    const code = target - config.codec_base_offset;
    const isCode = code >= 0 && code < streams * config.codec_layer_size;
    if (stream > 0 && isCode) codes.push({ at, stream, target: code, weight });
  }
  return { text, codes, denominator };
}

function placeInputs(
  places: readonly Place[],
  room: number,
  suffix: '' | '_codes',
  denominator: number,
  config: BagpiperConfig,
): Record<string, Value> {
  const whole = (of: (place: Place) => number): Value => {
    const data = new BigInt64Array(room);
    places.forEach((place, i) => {
      data[i] = BigInt(of(place));
    });
    return { data, dims: [room] };
  };
  const weight = new Float32Array(room);
  places.forEach((place, i) => {
    weight[i] = place.weight / Math.max(1, denominator);
  });
  const inputs: Record<string, Value> = {
    [`scored${suffix}`]: whole(({ at }) => at),
    [`target${suffix}`]: whole(({ target }) => target),
    [`weight${suffix}`]: { data: weight, dims: [room] },
  };
  if (suffix === '_codes' && config.num_stream > 0) inputs.stream_codes = whole(({ stream }) => stream);
  return inputs;
}

function featureInputs(
  spans: readonly FeatureSpan[],
  rows: number,
  count: number,
  config: BagpiperConfig,
): Record<string, Value> {
  const width = config.adaptor_input_dim;
  const data = new Float32Array(count * width);
  const at = new BigInt64Array(rows);
  let next = 0;
  for (const { start, features } of spans) {
    data.set(features, next * width);
    for (let i = 0; i < features.length / width; i++) at[start + i] = BigInt(++next);
  }
  return { features: { data, dims: [count, width] }, feature_at: { data: at, dims: [rows] } };
}
