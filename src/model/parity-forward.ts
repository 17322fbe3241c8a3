/** Checks the language model against reference data: embeddings, hidden values, logits and losses of `forward.json`. */
import { BagpiperError } from '../errors.js';
import { openSafetensors, type Safetensors, toFloat32 } from '../weights/index.js';
import type { BagpiperConfig } from './config.js';
import { packGrids } from './pack.js';
import {
  isRequired,
  type ParityLine,
  ParityReport,
  readingCase,
  referenceJson,
  referenceTensor,
} from './parity-lines.js';
import type { ReferenceNetworks, ReferenceRows } from './parity-networks.js';
import { type GoldenCase, type GoldenPack, goldenGrid } from './parity-sequences.js';

/** Largest accepted difference of vectors, logits and single losses, and of the mean loss. */
export const VALUE_TOLERANCE = 1e-3;
export const LOSS_TOLERANCE = 1e-4;

/** Rows whose logits are computed at once. */
const LOGIT_ROWS = 16;

interface ForwardCase {
  sequence?: string;
  pack?: string;
  length: number;
  logits_positions: number[];
  continuous?: FeaturePlace[];
  loss: number;
  loss_numerator: number;
  loss_denominator: number;
  scored_entries: number;
}

/** Which rows take features, and the names of the tensors before and after the adaptor. */
export interface FeaturePlace {
  start: number;
  length: number;
  features: string;
  embeds: string;
}

/** Ids, mask and positions that this code makes of a case's messages. */
interface BuiltRows {
  ids: Int32Array;
  lossMask: Float32Array;
  positions: ArrayLike<number>;
}

/**
 * Runs every case of `forward.json`.
 *
 * @throws BagpiperError where a file or a tensor of the reference data is missing or of another shape
 */
export async function checkForward(folder: string, networks: ReferenceNetworks): Promise<ParityLine[]> {
  const path = `${folder}/forward.json`;
  const { cases } = referenceJson(path) as { cases?: Record<string, ForwardCase> };
  if (typeof cases !== 'object' || cases === null || Object.keys(cases).length === 0) {
    throw new BagpiperError(`${path} holds no "cases".`);
  }
  const tensors = openSafetensors(`${folder}/forward.safetensors`);
  const sequences = referenceJson(`${folder}/sequences.json`);
  const lines: ParityLine[] = [];
  for (const [key, entry] of Object.entries(cases)) {
    const report = new ParityReport(`forward/${key}.`, isRequired(key));
    await readingCase(path, key, async () => {
      const built = buildCase(entry, sequences, networks.config, path);
      await checkCase(report, key, entry, built, tensors, networks);
    });
    lines.push(...report.lines);
  }
  return lines;
}

/** The rows of the sequence or pack that a case names. */
function buildCase(
  entry: ForwardCase,
  sequences: Record<string, unknown>,
  config: BagpiperConfig,
  path: string,
): BuiltRows {
  const find = <T extends { name: string }>(list: unknown, name: string | undefined): T => {
    const found = (list as T[] | undefined)?.find((item) => item.name === name);
    if (found) return found;
    throw new BagpiperError(`${path} names the sequence or pack ${JSON.stringify(name)}, which sequences.json lacks.`);
  };
  const gridOf = (name?: string) => goldenGrid(find<GoldenCase>(sequences.cases, name), config);
  if (entry.pack === undefined) {
    const { ids, lossMask, length } = gridOf(entry.sequence);
    return { ids, lossMask, positions: Int32Array.from({ length }, (_, t) => t) };
  }
  const { samples, batch_length } = find<GoldenPack>(sequences.packs, entry.pack);
  const { ids, lossMask, positionIds } = packGrids(
    samples.map((name) => gridOf(name)),
    batch_length,
  );
  return { ids, lossMask, positions: positionIds };
}

async function checkCase(
  report: ParityReport,
  key: string,
  entry: ForwardCase,
  built: BuiltRows,
  file: Safetensors,
  networks: ReferenceNetworks,
): Promise<void> {
  const { config } = networks;
  const { hidden_size: width, num_stream: streams, num_hidden_layers: layers } = config;
  const { length } = entry;
  const values = (name: string, shape: number[]) => toFloat32(referenceTensor(file, `${key}.${name}`, shape));
  const ids = values('ids', [length, streams]);
  const mask = values('loss_mask', [length, streams]);
  report.exact('ids', built.ids, ids);
  report.exact('loss_mask', built.lossMask, mask);
  let positions: ArrayLike<number> = Int32Array.from({ length }, (_, t) => t);
  if (file.tensors.has(`${key}.position_ids`)) {
    positions = values('position_ids', [length]);
    report.exact('position_ids', built.positions, positions);
  }
  const spans = await checkFeatures(report, `${key}.`, entry.continuous ?? [], file, networks);
  const rows: ReferenceRows = { ids, positions, spans };
  const out = await networks.forward(rows);
  const hidden = (name: string, actual: Float32Array) =>
    report.numbers(name, actual, values(name, [length, width]), VALUE_TOLERANCE);
  hidden('input_embeds', out.embeds);
  for (let i = 0; i < layers; i++) hidden(`layer_output.${i}`, out.layers[i]);
  hidden('last_hidden', out.last);

  const at = entry.logits_positions;
  const picked = new Float32Array(at.length * width);
  at.forEach((row, i) => {
    picked.set(out.last.subarray(row * width, (row + 1) * width), i * width);
  });
  const expected = values('logits', [at.length, streams, config.vocab_size]);
  report.numbers('logits', await networks.logits(picked), expected, VALUE_TOLERANCE);

  const ce = await crossEntropies(out.last, ids, networks);
  const tokenLoss = ce.map((value, i) => value * mask[i + streams]);
  report.numbers('token_ce', ce, values('token_ce', [length - 1, streams]), VALUE_TOLERANCE);
  report.numbers('token_loss', tokenLoss, values('token_loss', [length - 1, streams]), VALUE_TOLERANCE);
  const { loss, denominator } = await networks.loss(rows, mask);
  report.numbers('loss', [loss], [entry.loss], LOSS_TOLERANCE);
  const total = tokenLoss.reduce((sum, value) => sum + value, 0);
  // A sum over so many rows may be off by so many times what their mean may be.
  report.numbers(
    'loss_numerator',
    [total],
    [entry.loss_numerator],
    Number((LOSS_TOLERANCE * entry.loss_denominator).toPrecision(6)),
  );
  report.exact('loss_denominator', [denominator], [entry.loss_denominator]);
  report.exact('scored_entries', [tokenLoss.filter((value) => value > 0).length], [entry.scored_entries]);
}

/** Checks the adaptor on a case's features, and gives the features with their places. */
export async function checkFeatures(
  report: ParityReport,
  prefix: string,
  places: readonly FeaturePlace[],
  file: Safetensors,
  networks: ReferenceNetworks,
): Promise<{ start: number; features: Float32Array; adapted: Float32Array }[]> {
  const { adaptor_input_dim: inputs, hidden_size: width } = networks.config;
  const spans = [];
  for (const { start, length, features: from, embeds } of places) {
    const features = toFloat32(referenceTensor(file, from, [length, inputs]));
    const adapted = await networks.adapt(features);
    const name = embeds.startsWith(prefix) ? embeds.slice(prefix.length) : embeds;
    report.numbers(name, adapted, toFloat32(referenceTensor(file, embeds, [length, width])), VALUE_TOLERANCE);
    spans.push({ start, features, adapted });
  }
  return spans;
}

/**
 * Cross entropy of every id but the first row's, from the logits of the row before, in float64: on stream 0 over the whole
 * vocabulary, on the others over all codec ids; 0 for padding and for what is no codec id.
 *
 * @returns [rows - 1, num_stream]
 */
async function crossEntropies(
  last: Float32Array,
  ids: ArrayLike<number>,
  networks: ReferenceNetworks,
): Promise<Float64Array> {
  const { hidden_size: width, num_stream: streams, vocab_size: vocabulary } = networks.config;
  const { codec_base_offset: base, codec_layer_size: layer, pad_token_id: pad } = networks.config;
  const rows = last.length / width;
  const out = new Float64Array((rows - 1) * streams);
  for (let from = 0; from < rows - 1; from += LOGIT_ROWS) {
    const to = Math.min(rows - 1, from + LOGIT_ROWS);
    const logits = await networks.logits(last.subarray(from * width, to * width));
    for (let i = 0; i < (to - from) * streams; i++) {
      const target = ids[(from + 1) * streams + i];
      const stream = i % streams;
      const end = stream === 0 ? vocabulary : base + streams * layer;
      const start = stream === 0 ? 0 : base;
      if (target === pad || target < start || target >= end) continue;
      const line = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
      out[from * streams + i] = logSumExp(line.subarray(start, end)) - line[target];
    }
  }
  return out;
}

function logSumExp(values: Float32Array): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const value of values) best = Math.max(best, value);
  let sum = 0;
  for (const value of values) sum += Math.exp(value - best);
  return best + Math.log(sum);
}
