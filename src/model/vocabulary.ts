/** The model's ids: special, text and codec ranges, and which of them each stream may take while generating. */
import { BagpiperError } from '../errors.js';
import type { BagpiperConfig } from './config.js';
import type { Modality, Role } from './messages.js';

/** Ids from `start` up to and without `end`. */
export interface IdRange {
  start: number;
  end: number;
}

/** What is being picked: the modality of a segment, or one row of its content. */
export type Phase = 'modality' | Modality;

/** The fields of the config that the vocabulary depends on. */
export type VocabularyConfig = Pick<
  BagpiperConfig,
  | 'num_stream'
  | 'text_token_offset'
  | 'text_token_end'
  | 'codec_base_offset'
  | 'codec_layer_size'
  | 'text_zero_is_pad'
  | 'pad_token_id'
  | 'eos_token_id'
  | 'eot_token_id'
  | 'system_token_id'
  | 'user_token_id'
  | 'assistant_token_id'
  | 'text_token_id'
  | 'audio_token_id'
  | 'image_token_id'
  | 'video_token_id'
  | 'toolcall_token_id'
>;

/** Ids of text. */
export function textRange(config: VocabularyConfig): IdRange {
  return { start: config.text_token_offset, end: config.text_token_end };
}

/** Ids of all codec streams together. */
export function codecRange(config: VocabularyConfig): IdRange {
  return {
    start: config.codec_base_offset,
    end: config.codec_base_offset + config.num_stream * config.codec_layer_size,
  };
}

/** Ids of one codec stream: its pad, then its codes. */
export function codecStreamRange(config: VocabularyConfig, stream: number): IdRange {
  if (!Number.isInteger(stream) || stream < 0 || stream >= config.num_stream) {
    throw new BagpiperError(`Stream ${stream} does not exist; this model has streams 0 to ${config.num_stream - 1}.`);
  }
  const start = config.codec_base_offset + stream * config.codec_layer_size;
  return { start, end: start + config.codec_layer_size };
}

/** The pad id of a codec stream: what stands in the places that the delay pattern leaves empty. */
export function codecPad(config: VocabularyConfig, stream: number): number {
  return codecStreamRange(config, stream).start;
}

/** Codes a codec stream knows: 0 to this, without it. */
export function codebookSize(config: VocabularyConfig): number {
  return config.codec_layer_size - 1;
}

/** The id of a code on a stream. @throws BagpiperError where the stream or the code does not exist. */
export function codecId(config: VocabularyConfig, stream: number, code: number): number {
  const pad = codecPad(config, stream);
  if (!Number.isInteger(code) || code < 0 || code >= codebookSize(config)) {
    throw new BagpiperError(
      `Audio code ${code} is outside this model's codebook; accepted are 0 to ${codebookSize(config) - 1}.`,
    );
  }
  return pad + 1 + code;
}

/**
 * The model id of a tokenizer id. Tokenizer id 0 becomes the pad where the config says so, as in the training of the
 * released models.
 *
 * @throws BagpiperError where the tokenizer knows more ids than the model.
 */
export function textId(config: VocabularyConfig, tokenizerId: number): number {
  const size = config.text_token_end - config.text_token_offset;
  if (!Number.isInteger(tokenizerId) || tokenizerId < 0 || tokenizerId >= size) {
    throw new BagpiperError(
      `Text token ${tokenizerId} is outside the model's ${size} text ids: tokenizer and model do not match.`,
    );
  }
  return tokenizerId === 0 && config.text_zero_is_pad ? config.pad_token_id : tokenizerId + config.text_token_offset;
}

/** The id that opens a message of this role. */
export function roleId(config: VocabularyConfig, role: Role): number {
  return { system: config.system_token_id, user: config.user_token_id, assistant: config.assistant_token_id }[role];
}

/** The id that names a modality. */
export function modalityId(config: VocabularyConfig, modality: Modality): number {
  return modality === 'text' ? config.text_token_id : config.audio_token_id;
}

/**
 * Which ids each stream may take while generating, `[num_stream]` lists of ranges; everything else is minus infinity.
 *
 * `modality`: the five modality ids on stream 0. `text`: text ids on stream 0. `audio`: each stream its own codec ids, the
 * pad included (the delay pattern is learned, not enforced). Other streams: the pad id 0. From `step >= minStep` on, text
 * and audio may also end, with eos or eot on stream 0.
 *
 * @param step rows of the segment already picked.
 */
export function allowedIds(config: VocabularyConfig, phase: Phase, step = 0, minStep = 1): IdRange[][] {
  const single = (id: number): IdRange => ({ start: id, end: id + 1 });
  return Array.from({ length: config.num_stream }, (_, stream) => {
    if (phase === 'audio') {
      const own = codecStreamRange(config, stream);
      return stream === 0 && step >= minStep ? [...endIds(config), own] : [own];
    }
    if (stream > 0) return [single(config.pad_token_id)];
    if (phase === 'modality') return merge(modalityIds(config).map(single));
    return step >= minStep ? [...endIds(config), textRange(config)] : [textRange(config)];
  });
}

function modalityIds(config: VocabularyConfig): number[] {
  return [
    config.text_token_id,
    config.audio_token_id,
    config.image_token_id,
    config.video_token_id,
    config.toolcall_token_id,
  ];
}

function endIds(config: VocabularyConfig): IdRange[] {
  return merge([config.eos_token_id, config.eot_token_id].map((id) => ({ start: id, end: id + 1 })));
}

/** Sorts ranges and joins those that touch. */
function merge(ranges: IdRange[]): IdRange[] {
  const out: IdRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = out.at(-1);
    if (last !== undefined && last.end >= range.start) last.end = Math.max(last.end, range.end);
    else out.push({ ...range });
  }
  return out;
}
