/** What was measured as lines of the table: values, targets, and what bounds each. */
import { median, type Row, type RowExtras, row } from '../measure.js';
import { digits } from '../table.js';
import type { BareRates } from './bare.js';
import type { EngineRates } from './engine-job.js';
import { ggufBytesRead } from './gguf.js';
import type { JobName, JobOutcome, Results } from './jobs.js';
import type { Scale } from './scale.js';
import { type ConvertedFolder, type Stages, weightBytes } from './stages.js';

type Outcome<Name extends JobName> = JobOutcome<Results[Name]>;

/** Everything measured once. */
export interface Round {
  bandwidth: Outcome<'bandwidth'>;
  bare: Outcome<'bare'>;
  engine: Outcome<'engine'>;
  /** the same model after "bagpiper prepare" */
  prepared: Outcome<'engine'>;
  smallBare: Outcome<'bare'>;
  smallEngine: Outcome<'engine'>;
  llama: Outcome<'llama'> | undefined;
  networks: Outcome<'networks'>;
}

const atLeast = (x: number): RowExtras['target'] => ({ text: `at least ${x}`, met: (value) => value >= x });
const atMost = (x: number, unit: string): RowExtras['target'] => ({
  text: `at most ${x} ${unit}`,
  met: (value) => value <= x,
});
const REAL_TIME: RowExtras['target'] = { text: 'below 1', met: (value) => value < 1 };

const percent = (share: number): string => `${(100 * share).toFixed(0)}%`;
const milliseconds = (seconds: number): string => `${digits(1000 * seconds)} ms`;
const gigabytes = (bytes: number): string => `${digits(bytes / 1e9)} GB`;

/** @param blocks numbers that share a scale, in the default model and in the other one */
export function fullSizeRows(
  rounds: readonly Round[],
  stages: Stages,
  scale: Scale,
  blocks: { standard: number; small: number },
): Row[] {
  const standard = { name: `block ${blocks.standard}`, speedup: 1.4, of: rounds.map((r) => pick(r, false)) };
  const prepared = rounds.map((r) => ({ bare: r.bare, engine: r.prepared }));
  const small = { name: `block ${blocks.small}`, speedup: 1, of: rounds.map((r) => pick(r, true)) };
  return [
    ...conversionRows(standard.name, stages.standard),
    ...conversionRows(small.name, stages.small),
    row(
      'memory-read bandwidth',
      'GB/s',
      rounds.map((r) => r.bandwidth.result / 1e9),
      { limit: 'the machine: all threads read a buffer far larger than its caches' },
    ),
    ...[standard, small].flatMap((variant) => textRows(variant, rounds, scale)),
    ...preparedRows(`${standard.name}, prepared`, rounds, stages.prepared),
    ...llamaRows(rounds),
    ...soundRows(rounds, scale),
    ...memoryRows(standard.name, standard.of, stages.standard.folder, scale),
    ...memoryRows(`${standard.name}, prepared`, prepared, stages.prepared.folder, scale),
    ...memoryRows(small.name, small.of, stages.small.folder, scale),
    ...llamaMemory(rounds),
  ];
}

interface Variant {
  name: string;
  /** how much faster than llama.cpp it must be */
  speedup: number;
  of: Pair[];
}

interface Pair {
  bare: Outcome<'bare'>;
  engine: Outcome<'engine'>;
}

const pick = (round: Round, small: boolean): Pair =>
  small ? { bare: round.smallBare, engine: round.smallEngine } : { bare: round.bare, engine: round.engine };

function conversionRows(name: string, { record }: ConvertedFolder): Row[] {
  if (!record) return [];
  const { seconds, memory, from, to, resumed } = record;
  const rate = `${digits(from / 1e6 / seconds)} MB/s of ${gigabytes(from)} in, ${gigabytes(to)} out`;
  const rows = [
    row(`conversion to ${name}`, 's', [seconds], {
      limit: resumed ? 'resumed: only the last part was timed' : `packing on one thread: ${rate}`,
    }),
  ];
  if (!memory) return rows;
  return [
    ...rows,
    row(`conversion to ${name}: peak private memory`, 'GB', [memory.private / 1e9], {
      target: atMost(3, 'GB'),
      limit: 'slices of a matrix that are packed, and what Node has not yet collected',
    }),
  ];
}

/** Loading, decoding and reading of one model beside its bare loop. */
function textRows({ name, speedup, of }: Variant, rounds: readonly Round[], { gguf }: Scale): Row[] {
  const rate = (which: 'short' | 'long' | 'prefill') => of.map(({ engine }) => engine.result.text[which]);
  const bare = of.map(({ bare: { result } }) => 1 / (result.layers + result.head));
  const ratio = of.map(({ engine }, i) => engine.result.text.short / bare[i]);
  const { layerBytes, headBytes } = of[0].bare.result;
  const bytes = layerBytes + headBytes;
  const used = (tokens: readonly number[]): number =>
    median(tokens.map((rate, i) => (rate * bytes) / rounds[i].bandwidth.result));
  const outside = median(of.map(({ engine }, i) => 1 / engine.result.text.short - 1 / bare[i]));
  const rows = [
    row(
      `${name}: load`,
      's',
      of.map(({ engine }) => engine.result.load),
      { limit: 'ONNX Runtime rearranges every matrix on one thread' },
    ),
    row(`${name}: bare loop`, 'tokens/s', bare, {
      limit: `${gigabytes(bytes)} of weights a token: ${percent(used(bare))} of the bandwidth`,
    }),
    row(`${name}: decode`, 'tokens/s', rate('short'), {
      limit: `${percent(used(rate('short')))} of the bandwidth; ${milliseconds(outside)} a token besides the products`,
    }),
    row(`${name}: decode / bare loop`, '', ratio, {
      target: atLeast(0.9),
      limit: 'attention, the cache, sampling, and an operation after the other',
    }),
    row(`${name}: decode after the long prompt`, 'tokens/s', rate('long'), {
      limit: 'the same, and more keys and values to read',
    }),
    row(`${name}: prefill`, 'tokens/s', rate('prefill'), { limit: 'arithmetic: 8-bit products' }),
  ];
  const others = rounds.flatMap((r, i) => (r.llama ? [{ ...r.llama.result, own: of[i].engine.result.text }] : []));
  if (others.length === 0) return rows;
  const against = (which: 'short' | 'prefill' | 'long') => others.map((r) => r.own[which] / r[which]);
  return [
    ...rows,
    row(`${name}: decode / llama.cpp Q4_0`, '', against('short'), {
      target: atLeast(speedup),
      limit: `${gigabytes(bytes)} a token against ${gigabytes(ggufBytesRead(gguf))}: ${digits(ggufBytesRead(gguf) / bytes)} at equal bandwidth`,
    }),
    row(`${name}: the same after the long prompt`, '', against('long')),
    row(`${name}: prefill / llama.cpp Q4_0`, '', against('prefill'), {
      target: atLeast(0.9),
      limit: "the kernels for 8-bit products, ONNX Runtime's against llama.cpp's",
    }),
  ];
}

/** What preparing takes, and what it does to loading and decoding. */
function preparedRows(name: string, rounds: readonly Round[], { record }: ConvertedFolder): Row[] {
  const speed = rounds.map((r) => r.prepared.result.text.short / r.engine.result.text.short);
  return [
    ...(record
      ? [row(`${name}: preparing`, 's', [record.seconds], { limit: `${gigabytes(record.to)} more on the disk` })]
      : []),
    row(
      `${name}: load`,
      's',
      rounds.map((r) => r.prepared.result.load),
      { limit: 'ONNX Runtime rearranges every matrix and compares it with the file' },
    ),
    row(`${name}: decode / without preparing`, '', speed, { limit: 'the same kernels, reading mapped pages' }),
  ];
}

function llamaRows(rounds: readonly Round[]): Row[] {
  const of = rounds.flatMap(({ llama }) => (llama ? [llama.result] : []));
  if (of.length === 0) return [];
  const rate = (name: string, which: 'short' | 'long' | 'prefill') =>
    row(
      `llama.cpp Q4_0: ${name}`,
      'tokens/s',
      of.map((r) => r[which]),
    );
  return [rate('decode', 'short'), rate('decode after the long prompt', 'long'), rate('prefill', 'prefill')];
}

function soundRows(rounds: readonly Round[], { steps }: Scale): Row[] {
  const all = rounds.map(({ engine }) => engine.result.sound!);
  const bare = rounds.map(({ bare: { result } }) => result);
  const cost = all.map(({ plain, guided }) => 100 * (plain / guided - 1));
  const products = median(bare.map(({ layers, layersOfTwo }) => 100 * (layersOfTwo / layers - 1)));
  const values = (which: keyof (typeof all)[number]) => all.map((sound) => sound[which]);
  const networks = (which: 'decode' | 'encode') => rounds.map((r) => r.networks.result[which]);
  const arithmetic = { limit: 'arithmetic: convolutions in 32-bit floats' };
  const clip = `${steps.clip} s`;
  return [
    row('audio, guidance 1', 'frames/s', values('plain'), { limit: 'as text, but a small head' }),
    row('audio, guidance 3', 'frames/s', values('guided'), { limit: 'two rows a step' }),
    row('guidance 3 costs', '%', cost, {
      target: atMost(25, '%'),
      limit: `the products alone: ${digits(products)}%; the rest is attention over two caches`,
    }),
    row('audio encoder: seconds a second of sound', '', values('encoder'), { target: REAL_TIME, limit: 'arithmetic' }),
    row('audio encoder: the same, first clip', '', values('firstEncoder'), { limit: 'compiling, reading the weights' }),
    row('codec: decode, seconds a second', '', networks('decode'), { target: REAL_TIME, ...arithmetic }),
    row('codec: decode piece by piece, with compiling', '', values('codec'), arithmetic),
    row('codec: encode, seconds a second', '', networks('encode'), { target: REAL_TIME, ...arithmetic }),
    row(`describe ${clip}, ${steps.text} tokens`, 's', values('describe'), {
      limit: 'decode; the first clip compiles',
    }),
    row(`ask ${clip}, ${steps.text} tokens`, 's', values('ask'), { limit: 'decode' }),
    row(`render: ${steps.text} tokens, ${steps.sound} frames`, 's', values('render'), { limit: 'decode; codec' }),
  ];
}

/** Memory of the engine's whole process while it did all of the above. */
function memoryRows(name: string, of: readonly Pair[], folder: string, { config }: Scale): Row[] {
  const seen = of.flatMap(({ engine, bare }) =>
    engine.memory ? [{ ...engine.memory, engine: engine.result, bare: bare.result }] : [],
  );
  if (seen.length === 0) return [];
  const { num_hidden_layers: layers, num_key_value_heads: kv, head_dim: dim } = config;
  const cache = ({ cacheRows }: EngineRates): number => cacheRows * layers * 2 * kv * dim * 4;
  const copies = ({ layerBytes, headBytes }: BareRates): number => layerBytes + headBytes;
  const weights = { name: 'the weights in the file', value: weightBytes(folder) / 1e9 };
  const [first] = seen;
  return [
    row(
      `${name}: peak private memory`,
      'GB',
      seen.map((m) => m.private / 1e9),
      {
        limit: `after loading ${gigabytes(first.engine.loaded?.private ?? Number.NaN)}; cache ${gigabytes(cache(first.engine))}`,
      },
    ),
    row(
      `${name}: private memory beyond the cache`,
      'GB',
      seen.map((m) => (m.private - cache(m.engine)) / 1e9),
      {
        target: atMost(2, 'GB'),
        baseline: weights,
        limit: `ONNX Runtime's own copy of the decoder's weights, where it is not mapped: ${gigabytes(copies(first.bare))}`,
      },
    ),
    row(
      `${name}: peak mapped memory`,
      'GB',
      seen.map((m) => m.mapped / 1e9),
      { baseline: weights, limit: 'pages of the weight file and of libraries; given back when others need them' },
    ),
  ];
}

function llamaMemory(rounds: readonly Round[]): Row[] {
  const of = rounds.flatMap(({ llama }) => (llama?.memory ? [llama.memory] : []));
  if (of.length === 0) return [];
  return [
    row(
      'llama.cpp Q4_0: peak private memory',
      'GB',
      of.map((m) => m.private / 1e9),
    ),
    row(
      'llama.cpp Q4_0: peak mapped memory',
      'GB',
      of.map((m) => m.mapped / 1e9),
    ),
  ];
}
