/**
 * A model folder for tests: the published shape in the smallest sizes, with weights that make it say {@link SCRIPT} to
 * everything (each token's vector points at the next one) and draw its sound at random. It runs in the real engine in
 * milliseconds; nothing about it was learned.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CODEC_PREFIX, codecTensors, parseNanoCodecConfig } from '../src/model/codec/nano-config.js';
import { encoderTensors, languageModelTensors, parseConfig } from '../src/model/index.js';
import { Random } from '../src/random.js';
import { trainBpe } from '../src/text/index.js';
import { writeSafetensors } from '../src/weights/index.js';

/** The tokens of its answer, cut so that tags arrive in pieces. */
export const SCRIPT = ['A bell rings', '.\n\n<thi', 'nk>\nIt is', ' a bell.\n</thi', 'nk>\n\nOne', ' bell.'];
/** Its answer's parts when it describes or is asked. */
export const SAID = { caption: 'A bell rings.', thinking: 'It is a bell.', answer: 'One bell.' };
/** Its answer's parts when it renders: what stands outside the thinking is the caption. */
export const RENDERED = { caption: 'A bell rings.\n\nOne bell.', thinking: 'It is a bell.' };
/** Frames of sound that it makes. */
export const FRAMES = 10;

const TEXT = 256 + SCRIPT.length;
const STREAMS = 4;
const CODES = 16;
const HIDDEN = 64;

export const TINY = {
  model_type: 'bagpiper',
  hidden_size: HIDDEN,
  intermediate_size: 32,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  num_key_value_heads: 1,
  head_dim: 16,
  rope_theta: 10000,
  max_position_embeddings: 2048,
  vocab_size: 256 + TEXT + STREAMS * (CODES + 1),
  num_stream: STREAMS,
  text_token_offset: 256,
  text_token_end: 256 + TEXT,
  codec_base_offset: 256 + TEXT,
  codec_layer_size: CODES + 1,
  text_zero_is_pad: false,
  adaptor_input_dim: 16,
  audio_config: {
    num_mel_bins: 16,
    d_model: 16,
    encoder_layers: 1,
    encoder_attention_heads: 2,
    encoder_ffn_dim: 16,
    output_dim: 16,
    downsample_hidden_size: 2,
    n_window: 50,
    n_window_infer: 400,
  },
  codec_config: {
    type: 'nano-codec',
    mel_bands: 16,
    dims: 8,
    codebooks: STREAMS,
    codebook_size: CODES,
    width: 16,
    blocks: 1,
    fine_width: 16,
    fine_blocks: 1,
  },
  generation: {
    text: { temperature: 0.6, topk: 20, cfg: 1, min_step: 1, max_step: 40 },
    audio: { temperature: 0.8, topk: 8, cfg: 3, min_step: FRAMES + STREAMS - 1, max_step: 40 },
  },
};

export interface TinyTensor {
  name: string;
  shape: number[];
  data: Float32Array | Float64Array;
  /** F32 unless given */
  dtype?: 'F32' | 'F64';
}

/** Writes the folder. @param change breaks something on purpose before it is written */
export async function writeTinyModel(
  folder: string,
  change: (tensors: TinyTensor[]) => TinyTensor[] = (tensors) => tensors,
  config: object = TINY,
): Promise<string> {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer()));
  const tensors = change(tinyTensors()).map((tensor) => ({ dtype: 'F32' as const, ...tensor }));
  await writeSafetensors(join(folder, 'model.safetensors'), tensors);
  return folder;
}

function tokenizer(): object {
  const json = trainBpe(['bell'], { vocabSize: 256 });
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: false };
  return { ...json, added_tokens: SCRIPT.map((content, i) => ({ id: 256 + i, content, ...flags })) };
}

function tinyTensors(): TinyTensor[] {
  const config = parseConfig(TINY, 'the tiny model');
  const codec = parseNanoCodecConfig(TINY.codec_config, 'the tiny model');
  const shapes = new Map<string, readonly number[]>([
    ...languageModelTensors(config),
    ...encoderTensors(config.audio_config!),
    ...[...codecTensors(codec)].map(([name, shape]) => [CODEC_PREFIX + name, shape] as const),
  ]);
  const random = new Random('tiny');
  const tensors = [...shapes].map(([name, shape]) => {
    const length = shape.reduce((a, b) => a * b, 1);
    const scale = name.includes('codebooks') ? 1 : name.startsWith(CODEC_PREFIX) ? 0.2 : 0.02;
    const norm = /norm/.test(name) && !/bias/.test(name);
    const data = Float32Array.from({ length }, () => (norm ? 1 : random.normal() * scale));
    return { name, shape: [...shape], data };
  });
  const weight = (name: string) => tensors.find((tensor) => tensor.name === name)!.data;
  followScript(weight('model.embed_tokens.weight'), weight('lm_head.weight'), random);
  return tensors;
}

/** After `<|text|>` comes the script, then the end; sound ends as soon as it may. */
function followScript(embedding: Float32Array, head: Float32Array, random: Random): void {
  const row = (table: Float32Array, id: number) => table.subarray(id * HIDDEN, (id + 1) * HIDDEN);
  const codecBase = TINY.codec_base_offset;
  for (let i = 0; i < codecBase * HIDDEN; i++) embedding[i] = random.normal() / Math.sqrt(HIDDEN);
  const common = Float32Array.from({ length: HIDDEN }, () => random.normal() / Math.sqrt(HIDDEN));
  for (let i = codecBase * HIDDEN; i < embedding.length; i++) {
    embedding[i] = common[i % HIDDEN] + (0.2 * random.normal()) / Math.sqrt(HIDDEN);
    head[i] = random.normal() * 0.2;
  }
  const [eos, textMark] = [2, 7];
  const chain = [textMark, ...SCRIPT.map((_, i) => 256 + 256 + i), eos];
  for (let i = 1; i < chain.length; i++) row(head, chain[i]).set(row(embedding, chain[i - 1]).map((x) => 6 * x));
  const end = row(head, eos);
  for (let i = 0; i < HIDDEN; i++) end[i] += 4 * common[i];
}
