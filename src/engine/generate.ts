/**
 * One answer, segment by segment (docs/model.md, "Generation"): the modality is enforced or chosen, rows are picked until
 * an end token or the step limit, and a segment may be guided by an unconditional branch.
 */
import { allowedIds, type BagpiperConfig, type Modality, type SegmentDefaults } from '../model/index.js';
import type { Random } from '../random.js';
import type { Decoder } from './decoder.js';
import { argmax, pick } from './sample.js';

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
  /** throws when the request was cancelled; called between steps */
  check: () => Promise<void>;
  onSegment?: (index: number, modality: Modality) => void;
  /** a row that is not the end row was picked */
  onRow?: (segment: number, row: Int32Array, step: number) => void;
}

const COND = 0;
const UNCOND = 1;

/** Generates after a prompt that slot 0 of the decoder already holds. */
export async function generate(
  decoder: Decoder,
  config: BagpiperConfig,
  options: GenerateOptions,
): Promise<SegmentRows[]> {
  const done: SegmentRows[] = [];
  for (let k = 0; ; k++) {
    const first = await feedOne(decoder, config, COND, 1, single(config, config.assistant_token_id));
    const modality = options.segments[k] ?? (await chooseModality(decoder, config, first));
    options.onSegment?.(k, modality);
    const settings = options[modality];
    const guided = settings.cfg > 1;
    if (guided) await prefillUnconditional(decoder, config);
    let row = single(config, modality === 'text' ? config.text_token_id : config.audio_token_id);
    const rows: Int32Array[] = [];
    let endedBy: SegmentRows['endedBy'] = 'max_step';
    for (let step = 0; step < settings.max_step; step++) {
      await options.check();
      const hidden = await feedOne(decoder, config, COND, guided ? 2 : 1, row);
      row =
        modality === 'text'
          ? await pickText(decoder, config, hidden, settings, step, options.random)
          : await pickAudio(decoder, config, hidden, settings, step, options.random);
      if (row[0] === config.eos_token_id || row[0] === config.eot_token_id) {
        endedBy = row[0] === config.eos_token_id ? 'eos' : 'eot';
        break;
      }
      rows.push(row);
      options.onRow?.(k, row, step);
    }
    await feedOne(decoder, config, COND, 1, single(config, row[0]));
    decoder.clear(UNCOND);
    done.push({ modality, endedBy, rows });
    if (endedBy !== 'eot' && k + 1 >= options.segments.length) return done;
  }
}

const single = (config: BagpiperConfig, id: number): Int32Array => {
  const row = new Int32Array(config.num_stream);
  row[0] = id;
  return row;
};

/** Feeds the same row to some slots; vectors [slots, hidden]. */
function feedOne(
  decoder: Decoder,
  config: BagpiperConfig,
  slot: number,
  slots: number,
  row: Int32Array,
): Promise<Float32Array> {
  const ids = new Int32Array(slots * config.num_stream);
  for (let s = 0; s < slots; s++) ids.set(row, s * config.num_stream);
  return decoder.feed({ slot, slots, count: 1, ids });
}

async function chooseModality(decoder: Decoder, config: BagpiperConfig, hidden: Float32Array): Promise<Modality> {
  const logits = await decoder.textLogits(hidden);
  // Only text and audio can be generated; image, video and toolcall are reserved names.
  return logits[config.audio_token_id] > logits[config.text_token_id] ? 'audio' : 'text';
}

/** The unconditional branch: as many all-zero rows as the conditional one holds. */
async function prefillUnconditional(decoder: Decoder, config: BagpiperConfig): Promise<void> {
  decoder.clear(UNCOND);
  const count = decoder.length(COND);
  await decoder.feed({ slot: UNCOND, slots: 1, count, ids: new Int32Array(count * config.num_stream) });
}

/** One text id; with guidance `hidden` holds the conditional and the unconditional vector. */
async function pickText(
  decoder: Decoder,
  config: BagpiperConfig,
  hidden: Float32Array,
  settings: SegmentDefaults,
  step: number,
  random: Random,
): Promise<Int32Array> {
  const width = config.hidden_size;
  const logits = await decoder.textLogits(hidden.subarray(0, width));
  if (hidden.length > width) {
    const blind = await decoder.textLogits(hidden.subarray(width));
    for (let i = 0; i < logits.length; i++) logits[i] = settings.cfg * logits[i] + (1 - settings.cfg) * blind[i];
  }
  const ranges = allowedIds(config, 'text', step, settings.min_step)[0];
  const masked = new Float32Array(logits.length).fill(Number.NEGATIVE_INFINITY);
  for (const { start, end } of ranges) masked.set(logits.subarray(start, end), start);
  return single(config, settings.temperature === 0 ? argmax(masked) : pick(masked, settings, random));
}

/** One id for each stream; with guidance `hidden` holds the conditional and the unconditional vector. */
async function pickAudio(
  decoder: Decoder,
  config: BagpiperConfig,
  hidden: Float32Array,
  settings: SegmentDefaults,
  step: number,
  random: Random,
): Promise<Int32Array> {
  const { num_stream: streams, codec_layer_size: layer } = config;
  const { codes, ends } = await decoder.audioLogits(hidden);
  const n = hidden.length / config.hidden_size;
  const guide = (values: Float32Array, at: number, stride: number): number =>
    n === 2 ? settings.cfg * values[at] + (1 - settings.cfg) * values[at + stride] : values[at];
  const row = new Int32Array(streams);
  const mayEnd = step >= settings.min_step;
  for (let s = 0; s < streams; s++) {
    const extra = s === 0 && mayEnd ? 2 : 0;
    const scores = new Float32Array(extra + layer);
    for (let e = 0; e < extra; e++) scores[e] = guide(ends, e, 2);
    for (let c = 0; c < layer; c++) scores[extra + c] = guide(codes, s * n * layer + c, layer);
    const at = pick(scores, settings, random);
    if (at < extra) return single(config, at === 0 ? config.eos_token_id : config.eot_token_id);
    row[s] = config.codec_base_offset + s * layer + at - extra;
  }
  return row;
}
