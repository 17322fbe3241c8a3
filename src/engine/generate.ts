/**
 * One answer, segment by segment (docs/model.md, "Generation"): the modality is enforced or chosen, rows are picked until
 * an end token or the step limit, and a segment may be guided by an unconditional branch.
 */
import { allowedIds, type BagpiperConfig, type IdRange, type Modality, type SegmentDefaults } from '../model/index.js';
import type { Random } from '../random.js';
import type { AudioScores } from './decoder.js';
import { pick } from './sample.js';
import type { Lane } from './scheduler.js';

export interface SegmentRows {
  modality: Modality;
  endedBy: 'eos' | 'eot' | 'max_step';
  /** rows picked [n, num_stream], the end row left out */
  rows: Int32Array[];
}

export interface GenerateOptions {
  segments: readonly Modality[];
  text: SegmentDefaults;
  audio: SegmentDefaults;
  random: Random;
  /** what may be chosen where no segment is enforced; default both */
  choices?: readonly Modality[];
  onSegment?: (index: number, modality: Modality) => void;
  /** a row that is not the end row was picked */
  onRow?: (segment: number, row: Int32Array, step: number) => void;
  /** a segment is complete; the next one begins when this is done */
  onSegmentEnd?: (segment: SegmentRows) => void | Promise<void>;
}

/** Rows that a segment takes besides one a step: the assistant's and the modality's (the last row picked closes it). */
export const FRAME_ROWS = 2;

/**
 * Generates after a prompt that the lane already holds. Ends early, with `max_step`, where the positions that the model
 * knows are used up.
 */
export async function generate(lane: Lane, config: BagpiperConfig, options: GenerateOptions): Promise<SegmentRows[]> {
  const done: SegmentRows[] = [];
  for (let k = 0; ; k++) {
    const room = config.max_position_embeddings - lane.length - FRAME_ROWS;
    if (room < 1) return done;
    const enforced = options.segments[k] as Modality | undefined;
    const { text } = await lane.step(single(config, config.assistant_token_id), enforced ? 'none' : 'text');
    const modality = enforced ?? choose(text!, config, options.choices);
    options.onSegment?.(k, modality);
    const segment = await generateSegment(lane, config, options, k, modality, room);
    await options.onSegmentEnd?.(segment);
    done.push(segment);
    if (segment.endedBy !== 'eot' && k + 1 >= options.segments.length) return done;
  }
}

async function generateSegment(
  lane: Lane,
  config: BagpiperConfig,
  options: GenerateOptions,
  index: number,
  modality: Modality,
  room: number,
): Promise<SegmentRows> {
  const settings = options[modality];
  const guided = settings.cfg > 1;
  if (guided) await lane.guide();
  let row = single(config, modality === 'text' ? config.text_token_id : config.audio_token_id);
  const segment: SegmentRows = { modality, endedBy: 'max_step', rows: [] };
  const early = allowedIds(config, 'text', 0, 1)[0];
  const late = allowedIds(config, 'text', 1, 1)[0];
  for (let step = 0; step < Math.min(settings.max_step, room); step++) {
    const { text, audio } = await lane.step(row, modality, settings.cfg);
    const mayEnd = step >= settings.min_step;
    row = text
      ? pickText(config, text, mayEnd ? late : early, settings, options.random)
      : pickAudio(config, audio!, mayEnd, settings, options.random, repeated(segment.rows, settings.max_repeat));
    if (row[0] === config.eos_token_id || row[0] === config.eot_token_id) {
      segment.endedBy = row[0] === config.eos_token_id ? 'eos' : 'eot';
      break;
    }
    segment.rows.push(row);
    options.onRow?.(index, row, step);
  }
  if (guided) await lane.unguide();
  await lane.step(single(config, row[0]), 'none');
  return segment;
}

/** A row that holds one id, on stream 0. */
export function single(config: BagpiperConfig, id: number): Int32Array {
  const row = new Int32Array(config.num_stream);
  row[0] = id;
  return row;
}

/** Only text and audio can be generated; image, video and toolcall are reserved names. */
function choose(
  logits: Float32Array,
  config: BagpiperConfig,
  choices: readonly Modality[] = ['text', 'audio'],
): Modality {
  if (choices.length === 1) return choices[0];
  return logits[config.audio_token_id] > logits[config.text_token_id] ? 'audio' : 'text';
}

function pickText(
  config: BagpiperConfig,
  logits: Float32Array,
  allowed: readonly IdRange[],
  settings: SegmentDefaults,
  random: Random,
): Int32Array {
  const masked = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY);
  for (const { start, end } of allowed) masked.set(logits.subarray(start, end), start);
  return single(config, pick(masked, settings, random));
}

/** The id of stream 0 where so many last rows hold the same one. */
function repeated(rows: readonly Int32Array[], most: number | undefined): number | undefined {
  if (most === undefined || rows.length < most) return undefined;
  const id = rows[rows.length - 1][0];
  return rows.slice(-most).every((row) => row[0] === id) ? id : undefined;
}

/** One id for each stream, or an end row. @param barred an id that stream 0 must not take */
function pickAudio(
  config: BagpiperConfig,
  { codes, ends }: AudioScores,
  mayEnd: boolean,
  settings: SegmentDefaults,
  random: Random,
  barred: number | undefined,
): Int32Array {
  const { num_stream: streams, codec_layer_size: layer } = config;
  const row = new Int32Array(streams);
  if (barred !== undefined) codes[barred - config.codec_base_offset] = Number.NEGATIVE_INFINITY;
  for (let s = 0; s < streams; s++) {
    const own = codes.subarray(s * layer, (s + 1) * layer);
    const extra = s === 0 && mayEnd ? ends.length : 0;
    const at = pick(extra > 0 ? Float32Array.of(...ends, ...own) : own, settings, random);
    if (at < extra) return single(config, at === 0 ? config.eos_token_id : config.eot_token_id);
    row[s] = config.codec_base_offset + s * layer + at - extra;
  }
  return row;
}
