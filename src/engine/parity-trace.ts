/** Feeds the rows of a reference segment to the decoder and compares what comes out, step by step. */
import { allowedIds, type BagpiperConfig, type IdRange, type Modality } from '../model/index.js';
import { VALUE_TOLERANCE } from '../model/parity-forward.js';
import { type ParityReport, referenceTensor } from '../model/parity-lines.js';
import type { ReferenceNetworks } from '../model/parity-networks.js';
import { type Safetensors, toFloat32 } from '../weights/index.js';
import type { Decoder } from './decoder.js';

/** One picked row; logits and margins are null where minus infinity, or where only one id is allowed. */
interface TraceStep {
  step: number;
  position: number;
  end_tokens_allowed: boolean;
  input: number[];
  output: number[];
  best_logit: (number | null)[];
  margin: (number | null)[];
}

/** How a segment of the reference came about. */
export interface TraceSegment {
  modality: Modality;
  modality_was: string;
  assistant_row_position: number;
  modality_logits: Record<string, number>;
  unconditional_prefill_rows: number | null;
  cfg: number;
  steps: TraceStep[];
  closing_row: { position: number; input: number[] };
}

/** Where a segment's tensors lie: `${name}.assistant_logits` and so on. */
export interface TraceTensors {
  file: Safetensors;
  name: string;
}

const COND = 0;
const UNCOND = 1;

/** What the steps of a segment gave, to be compared at the end. */
interface Gathered {
  positions: number[];
  inputs: number[];
  outputs: number[];
  ends: number[];
  best: number[];
  margins: number[];
}

/**
 * Replays one segment after what slot 0 of the decoder holds, and leaves slot 0 with the segment appended.
 *
 * @param minStep rows before the end tokens are allowed
 */
export async function replay(
  report: ParityReport,
  index: number,
  segment: TraceSegment,
  minStep: number,
  tensors: TraceTensors,
  networks: ReferenceNetworks,
  decoder: Decoder,
): Promise<void> {
  const { config } = networks;
  const say = (name: string) => `${index}.${name}`;
  const got: Gathered = { positions: [], inputs: [], outputs: [], ends: [], best: [], margins: [] };
  got.positions.push(decoder.length(COND));
  const first = await feedOne(decoder, config, 1, single(config, config.assistant_token_id));
  const assistant = await networks.logits(first);
  compare(report, say('assistant_logits'), assistant, tensors, 'assistant_logits', config);
  checkModality(report, say, segment, assistant, config);

  const guided = segment.cfg > 1;
  const rowsBefore = decoder.length(COND);
  report.exact(say('unconditional_rows'), [guided ? rowsBefore : -1], [segment.unconditional_prefill_rows ?? -1]);
  if (guided) {
    decoder.clear(UNCOND);
    const ids = new Int32Array(rowsBefore * config.num_stream);
    await decoder.feed({ slot: UNCOND, slots: 1, count: rowsBefore, ids });
  }
  let row = single(config, segment.modality === 'text' ? config.text_token_id : config.audio_token_id);
  for (const step of segment.steps) {
    got.inputs.push(...row);
    row = await replayStep(report, say, segment, step, minStep, tensors, networks, decoder, got);
  }
  got.positions.push(decoder.length(COND));
  got.inputs.push(...single(config, row[0]));
  await feedOne(decoder, config, 1, Int32Array.from(segment.closing_row.input));
  decoder.clear(UNCOND);

  const { steps, closing_row: closing } = segment;
  const numbers = (values: (number | null)[]) => values.map((value) => value ?? Number.NaN);
  const positions = [segment.assistant_row_position, ...steps.map(({ position }) => position), closing.position];
  report.exact(say('positions'), got.positions, positions);
  report.exact(say('inputs'), got.inputs, [...steps.flatMap(({ input }) => input), ...closing.input]);
  report.exact(
    say('end_tokens_allowed'),
    got.ends,
    steps.map((step) => Number(step.end_tokens_allowed)),
  );
  report.exact(
    say('outputs'),
    got.outputs,
    steps.flatMap(({ output }) => output),
  );
  const best = numbers(steps.flatMap((step) => step.best_logit));
  report.numbers(say('best_logit'), got.best, best, VALUE_TOLERANCE);
  const margins = numbers(steps.flatMap((step) => step.margin));
  report.numbers(say('margin'), got.margins, margins, VALUE_TOLERANCE);
}

/** Feeds the row of one step, picks the best allowed id of each stream, and returns that row. */
async function replayStep(
  report: ParityReport,
  say: (name: string) => string,
  segment: TraceSegment,
  step: TraceStep,
  minStep: number,
  tensors: TraceTensors,
  networks: ReferenceNetworks,
  decoder: Decoder,
  got: Gathered,
): Promise<Int32Array> {
  const { config } = networks;
  const slots = segment.cfg > 1 ? 2 : 1;
  got.positions.push(decoder.length(COND));
  const hidden = await feedOne(decoder, config, slots, Int32Array.from(step.input));
  const logits = await networks.logits(hidden);
  const size = logits.length / slots;
  const branches = Array.from({ length: slots }, (_, s) => logits.subarray(s * size, (s + 1) * size));
  for (const [s, name] of (slots === 2 ? ['cond_logits', 'uncond_logits'] : ['logits']).entries()) {
    const tensor = `step${step.step}.${name}`;
    if (tensors.file.tensors.has(`${tensors.name}.${tensor}`)) {
      compare(report, say(tensor), branches[s], tensors, tensor, config);
    }
  }
  const guide = (i: number): number =>
    slots === 2 ? segment.cfg * branches[0][i] + (1 - segment.cfg) * branches[1][i] : branches[0][i];
  const ranges = allowedIds(config, segment.modality, step.step, minStep);
  got.ends.push(Number(contains(ranges[0], config.eos_token_id) && contains(ranges[0], config.eot_token_id)));
  const row = new Int32Array(config.num_stream);
  ranges.forEach((allowed, stream) => {
    const { id, best, margin } = bestOf(allowed, (i) => guide(stream * config.vocab_size + i));
    row[stream] = id;
    got.outputs.push(id);
    got.best.push(best);
    got.margins.push(margin);
  });
  return row;
}

/** The best allowed id, its score, and by how much it leads; NaN where it is the only one. */
function bestOf(ranges: readonly IdRange[], score: (id: number) => number) {
  let [id, best, second] = [-1, Number.NEGATIVE_INFINITY, Number.NaN];
  for (const { start, end } of ranges) {
    for (let i = start; i < end; i++) {
      const value = score(i);
      if (id < 0 || value > best) [id, best, second] = [i, value, id < 0 ? Number.NaN : best];
      else if (!(value <= second)) second = value;
    }
  }
  return { id, best, margin: best - second };
}

function checkModality(
  report: ParityReport,
  say: (name: string) => string,
  segment: TraceSegment,
  logits: Float32Array,
  config: BagpiperConfig,
): void {
  const ids = Object.keys(segment.modality_logits).map(Number);
  const actual = ids.map((id) => logits[id]);
  report.numbers(say('modality_logits'), actual, Object.values(segment.modality_logits), VALUE_TOLERANCE);
  if (segment.modality_was === 'enforced') return;
  const { id } = bestOf(allowedIds(config, 'modality')[0], (i) => logits[i]);
  report.exact(say('modality_id'), [id], [segment.modality === 'text' ? config.text_token_id : config.audio_token_id]);
}

function compare(
  report: ParityReport,
  line: string,
  actual: Float32Array,
  { file, name }: TraceTensors,
  tensor: string,
  config: BagpiperConfig,
): void {
  const shape = [config.num_stream, config.vocab_size];
  report.numbers(line, actual, toFloat32(referenceTensor(file, `${name}.${tensor}`, shape)), VALUE_TOLERANCE);
}

const contains = (ranges: readonly IdRange[], id: number): boolean =>
  ranges.some(({ start, end }) => id >= start && id < end);

const single = (config: BagpiperConfig, id: number): Int32Array => {
  const row = new Int32Array(config.num_stream);
  row[0] = id;
  return row;
};

/** Feeds one row to the first slots; vectors [slots, hidden]. */
function feedOne(decoder: Decoder, config: BagpiperConfig, slots: number, row: Int32Array): Promise<Float32Array> {
  const ids = new Int32Array(slots * config.num_stream);
  for (let s = 0; s < slots; s++) ids.set(row, s * config.num_stream);
  return decoder.feed({ slot: COND, slots, count: 1, ids });
}
