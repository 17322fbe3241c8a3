/**
 * `config.json` of a Bagpiper model: the sizes of every network and the layout of the vocabulary. Fields keep the names
 * they have in the file (Qwen3's for the decoder, Qwen3-Omni's for the audio encoder), so a value in code can be found in
 * a file and the other way round. Absent fields take the published 8B values.
 */
import { BagpiperError } from '../errors.js';
import { type AudioConfig, parseAudioConfig } from './config-audio.js';
import { FieldReader, type JsonObject } from './config-reader.js';

export { type AudioConfig, encoderTokens, PUBLISHED_AUDIO_CONFIG, parseAudioConfig } from './config-audio.js';

/**
 * Which recipe feeds the audio encoder. `training`: the wave is normalised to mean 0 and variance 1 and not padded to the
 * hop; `serving`: padded to a multiple of the hop and not normalised (the vLLM port).
 */
export type FrontEnd = 'training' | 'serving';

/** The codec block, checked and completed by the codec itself; the language model only needs it to exist. */
export type CodecConfig =
  | { type: 'nano-codec'; [field: string]: unknown }
  | { type: 'xcodec'; [field: string]: unknown };

/** Decoding defaults of one kind of segment. Steps count rows; `cfg` is the guidance weight, 1 for none. */
export interface SegmentDefaults {
  temperature: number;
  topk: number;
  cfg: number;
  min_step: number;
  max_step: number;
  /**
   * Rows in a row in which stream 0 of sound may hold the same code; then another is picked once. Absent: any number.
   * A small model that has begun with silence may not find out of it otherwise.
   */
  max_repeat?: number;
}

/** Samples at 16 kHz that an encoder needs at least: a frame of the log-mel picture, 10 ms. */
export const LEAST_SAMPLES = 160;

/** Takes of one request, at most. */
export const MOST_TAKES = 100;

/** Decoding defaults. `enforce_modality` is the order of segments that an answer must follow; empty: the model chooses. */
export interface GenerationDefaults {
  text: SegmentDefaults;
  audio: SegmentDefaults;
  enforce_modality: ('text' | 'audio')[];
  /** Sounds made of a request, of which the model keeps the one that it hears as most like its caption. */
  takes: number;
}

/** How a conversation is opened. `system` is put before the first message where the caller gives no system message. */
export interface ChatDefaults {
  system: string | null;
}

/** Everything `config.json` says, checked; see {@link parseConfig}. */
export interface BagpiperConfig {
  model_type: string;
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim: number;
  rms_norm_eps: number;
  rope_theta: number;
  max_position_embeddings: number;
  vocab_size: number;
  /** Token streams side by side: one of text and first codebook, the rest codebooks 1, 2, ... */
  num_stream: number;
  /** Added to a tokenizer id to get a model id. */
  text_token_offset: number;
  /** One past the last text id. */
  text_token_end: number;
  /** First codec id: the pad of stream 0. */
  codec_base_offset: number;
  /** Ids a stream owns: its pad, then its codes. */
  codec_layer_size: number;
  /** Loss weight of each stream in codec rows, `[num_stream]`. */
  stream_weights: number[];
  /** Probability that training hides everything but one audio answer (for guidance). */
  audio_cfg: number;
  /** The released models were trained with tokenizer id 0 sent to the pad id instead of to `text_token_offset`. */
  text_zero_is_pad: boolean;
  /** Width of the audio encoder's output. */
  adaptor_input_dim: number;
  pad_token_id: number;
  bos_token_id: number;
  eos_token_id: number;
  eot_token_id: number;
  system_token_id: number;
  user_token_id: number;
  assistant_token_id: number;
  text_token_id: number;
  audio_token_id: number;
  image_token_id: number;
  video_token_id: number;
  toolcall_token_id: number;
  /** The audio encoder, or null for a folder that holds the language model alone. */
  audio_config: AudioConfig | null;
  front_end: FrontEnd;
  /** Longest clip that is taken at once, in seconds: what the model was trained on. */
  max_input_seconds: number;
  codec_config: CodecConfig | null;
  chat: ChatDefaults;
  generation: GenerationDefaults;
}

/** The names of the special ids in the order of their published values 0, 1, 2, ... */
export const SPECIAL_ID_FIELDS = [
  'pad_token_id',
  'bos_token_id',
  'eos_token_id',
  'eot_token_id',
  'system_token_id',
  'user_token_id',
  'assistant_token_id',
  'text_token_id',
  'audio_token_id',
  'image_token_id',
  'video_token_id',
  'toolcall_token_id',
] as const;

type SpecialIdField = (typeof SPECIAL_ID_FIELDS)[number];

/**
 * Checks a parsed `config.json` and fills what is absent with the published 8B values.
 *
 * @param where names the file in error messages.
 * @throws BagpiperError for a field of the wrong type or range, and for fields that contradict each other.
 */
export function parseConfig(json: unknown, where: string): BagpiperConfig {
  const read = new FieldReader(json, where);
  // The ESPnet fork of vLLM keeps the decoder's sizes in a block of its own.
  const nested = read.object('text_config');
  const decoder = parseDecoder(nested ? new FieldReader({ ...nested, ...(json as JsonObject) }, where) : read);
  const layout = parseLayout(read);
  const audio = read.object('audio_config');
  const audio_config = audio === null ? null : parseAudioConfig(audio, `${where}, audio_config`);
  const config: BagpiperConfig = {
    model_type: read.text('model_type', 'bagpiper'),
    ...decoder,
    ...layout,
    adaptor_input_dim: read.count('adaptor_input_dim', audio_config?.output_dim ?? 2048),
    audio_config,
    // Windows of 100 and 400 are the fork's own, and so is what it does before them.
    front_end: read.choice('front_end', ['training', 'serving'], isServing(audio_config) ? 'serving' : 'training'),
    max_input_seconds: read.number('max_input_seconds', 30, 1, 30),
    codec_config: parseCodec(read),
    chat: { system: parseSystem(read) },
    generation: parseGeneration(read),
  };
  if (audio_config !== null && audio_config.output_dim !== config.adaptor_input_dim) {
    read.fail(
      'adaptor_input_dim',
      `is ${config.adaptor_input_dim} but audio_config.output_dim is ${audio_config.output_dim}; they must be equal`,
    );
  }
  return config;
}

function isServing(audio: AudioConfig | null): boolean {
  return audio?.n_window === 100 && audio.n_window_infer === 400;
}

type Decoder = Pick<
  BagpiperConfig,
  | 'hidden_size'
  | 'intermediate_size'
  | 'num_hidden_layers'
  | 'num_attention_heads'
  | 'num_key_value_heads'
  | 'head_dim'
  | 'rms_norm_eps'
  | 'rope_theta'
  | 'max_position_embeddings'
>;

function parseDecoder(read: FieldReader): Decoder {
  const num_attention_heads = read.count('num_attention_heads', 32);
  const decoder: Decoder = {
    hidden_size: read.count('hidden_size', 4096),
    intermediate_size: read.count('intermediate_size', 12288),
    num_hidden_layers: read.count('num_hidden_layers', 36, 1, 1000),
    num_attention_heads,
    num_key_value_heads: read.count('num_key_value_heads', Math.min(8, num_attention_heads)),
    head_dim: read.count('head_dim', 128),
    rms_norm_eps: read.number('rms_norm_eps', 1e-6, Number.MIN_VALUE, 1),
    rope_theta: read.number('rope_theta', 1e6, 1, 1e12),
    max_position_embeddings: read.count('max_position_embeddings', 32768),
  };
  if (num_attention_heads % decoder.num_key_value_heads !== 0) {
    read.fail(
      'num_key_value_heads',
      `is ${decoder.num_key_value_heads}, which does not divide ${num_attention_heads} heads`,
    );
  }
  if (decoder.head_dim % 2 !== 0) read.fail('head_dim', `is ${decoder.head_dim}; rotary positions need an even size`);
  if (read.flag('tie_word_embeddings', false)) {
    read.fail('tie_word_embeddings', 'is true; Bagpiper has an output head of its own, so it must be false');
  }
  if (read.flag('attention_bias', false)) read.fail('attention_bias', 'is true; Bagpiper has no attention biases');
  read.choice('hidden_act', ['silu'], 'silu');
  return decoder;
}

type Layout = Pick<
  BagpiperConfig,
  | SpecialIdField
  | 'vocab_size'
  | 'num_stream'
  | 'text_token_offset'
  | 'text_token_end'
  | 'codec_base_offset'
  | 'codec_layer_size'
  | 'stream_weights'
  | 'audio_cfg'
  | 'text_zero_is_pad'
>;

function parseLayout(read: FieldReader): Layout {
  const num_stream = read.count('num_stream', 8, 1, 64);
  const text_token_offset = read.count('text_token_offset', 256);
  const text_token_end = read.count('text_token_end', text_token_offset + 151936, text_token_offset + 1);
  const codec_base_offset = read.count('codec_base_offset', text_token_end, text_token_end);
  const codec_layer_size = read.count('codec_layer_size', 1025, 2);
  const codecEnd = codec_base_offset + num_stream * codec_layer_size;
  const special = {} as Record<SpecialIdField, number>;
  const taken = new Map<number, string>();
  for (const [value, field] of SPECIAL_ID_FIELDS.entries()) {
    const id = read.count(field, value, 0, text_token_offset - 1);
    const other = taken.get(id);
    if (other !== undefined) read.fail(field, `is ${id}, the id of ${other} already`);
    taken.set(id, field);
    special[field] = id;
  }
  if (special.pad_token_id !== 0)
    read.fail('pad_token_id', `is ${special.pad_token_id}; an empty place in a row is id 0`);
  const stream_weights = read.numbers('stream_weights', new Array<number>(num_stream).fill(1 / num_stream), num_stream);
  if (!read.flag('delay_interleave', true)) read.fail('delay_interleave', 'is false; only the delay pattern is known');
  return {
    ...special,
    num_stream,
    text_token_offset,
    text_token_end,
    codec_base_offset,
    codec_layer_size,
    vocab_size: read.count('vocab_size', codecEnd, codecEnd),
    stream_weights,
    audio_cfg: read.number('audio_cfg', 0.05, 0, 1),
    text_zero_is_pad: read.flag('text_zero_is_pad', true),
  };
}

function parseCodec(read: FieldReader): CodecConfig | null {
  const block = read.object('codec_config');
  if (block === null) return null;
  const type = new FieldReader(block, `${read.where}, codec_config`).choice('type', ['nano-codec', 'xcodec']);
  return { ...block, type };
}

function parseSystem(read: FieldReader): string | null {
  const chat = read.object('chat');
  if (chat === null || chat.system === undefined || chat.system === null) return null;
  return new FieldReader(chat, `${read.where}, chat`).text('system', '');
}

function parseGeneration(read: FieldReader): GenerationDefaults {
  const where = `${read.where}, generation`;
  const block = new FieldReader(read.object('generation') ?? {}, where);
  const order = block.list('enforce_modality', ['text', 'audio']);
  for (const entry of order) {
    if (entry !== 'text' && entry !== 'audio') {
      throw new BagpiperError(
        `${where}: enforce_modality holds ${JSON.stringify(entry)}; accepted are "text" and "audio".`,
      );
    }
  }
  return {
    text: parseSegment(block, 'text', { temperature: 0.6, topk: 20, cfg: 1, min_step: 1, max_step: 8192 }),
    audio: parseSegment(block, 'audio', { temperature: 0.8, topk: 20, cfg: 3, min_step: 50, max_step: 2048 }),
    enforce_modality: order as ('text' | 'audio')[],
    takes: block.count('takes', 1, 1, MOST_TAKES),
  };
}

function parseSegment(parent: FieldReader, name: 'text' | 'audio', preset: SegmentDefaults): SegmentDefaults {
  const read = new FieldReader(parent.object(name) ?? {}, `${parent.where}.${name}`);
  const max_step = read.count('max_step', preset.max_step);
  const max_repeat = read.count('max_repeat', 0, 0);
  return {
    temperature: read.number('temperature', preset.temperature, 0, 100),
    topk: read.count('topk', preset.topk),
    cfg: read.number('cfg', preset.cfg, 1, 100),
    min_step: read.count('min_step', Math.min(preset.min_step, max_step), 0, max_step),
    max_step,
    ...(max_repeat > 0 ? { max_repeat } : {}),
  };
}
