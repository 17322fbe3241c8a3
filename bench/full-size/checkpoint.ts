/** A checkpoint of the published names and shapes with random numbers, and what stands beside it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CODEC_PREFIX } from '../../src/model/codec/nano-config.js';
import { parseXcodecConfig } from '../../src/model/codec/xcodec-config.js';
import { Random } from '../../src/random.js';
import { trainBpe } from '../../src/text/index.js';
import type { Scale } from './scale.js';
import { bytesOf, type TorchTensor, writeTorchFile } from './torch-file.js';

/**
 * Random numbers of one spread, written over and over from a place that differs for each tensor. A prime, so that rows of
 * a matrix differ; ONNX Runtime would keep equal matrices once.
 */
const POOL = 1_048_573;

/** What the published checkpoint holds besides what is used: X-Codec's leftovers, and a weight of the training loss. */
function unusedTensors({ config, tensors }: Scale): [string, number[]][] {
  const codec = parseXcodecConfig(config.codec_config, 'codec_config');
  const {
    codebook_size: size,
    codebook_dim: dim,
    semantic_model_config: semantic,
    channel_ratios,
    kernel_size,
  } = codec;
  const width = semantic.hidden_size;
  const shapes: [string, number[]][] = [
    ['fc1.weight', [width, dim]],
    ['fc1.bias', [width]],
    ['semantic_model.masked_spec_embed', [width]],
    ['decoder_semantic.conv1.weight', [width, width, kernel_size]],
    ['decoder_semantic.conv2.weight', [width, width, kernel_size]],
  ];
  for (let i = 0; i < channel_ratios.length; i++) {
    const block = `decoder_semantic.conv_blocks.${i}`;
    shapes.push([`${block}.conv.weight`, [width, width, 3]], [`${block}.conv.bias`, [width]]);
    for (let unit = 0; unit < 2; unit++) {
      shapes.push([`${block}.res_units.${unit}.conv1.weight`, [width, width, 3]]);
      shapes.push([`${block}.res_units.${unit}.conv2.weight`, [width, width, 1]]);
    }
  }
  for (const name of tensors.keys()) {
    const book = /\.(quantizer\.quantizers\.\d+\.codebook\.)embed$/.exec(name)?.[1];
    if (!book) continue;
    shapes.push([`${book}embed_avg`, [size, dim]], [`${book}cluster_size`, [size]], [`${book}inited`, [1]]);
  }
  return shapes.map(([name, shape]) => [CODEC_PREFIX + name, shape]);
}

/** Every tensor of the checkpoint in bf16, and the loss weight in 32-bit floats. */
export function checkpointTensors(scale: Scale): TorchTensor[] {
  const pools = new Map<number, Uint8Array>();
  const all = [...scale.tensors, ...unusedTensors(scale)];
  const tensors = all.map(([name, shape]): TorchTensor => {
    const tensor = { name, shape, dtype: 'bfloat16' as const };
    return { ...tensor, pieces: () => numbersOf(tensor, pools) };
  });
  const weight = { name: 'vocab_weight', shape: [scale.config.vocab_size], dtype: 'float32' as const };
  const ones = new Float32Array(scale.config.vocab_size).fill(1);
  return [...tensors, { ...weight, pieces: () => [new Uint8Array(ones.buffer)] }];
}

/**
 * Numbers with which the networks neither fade out nor blow up, so that no arithmetic is slow for odd values: matrices and
 * kernels of variance 1 / inputs, norms and other scales 1, biases 0.
 */
function* numbersOf(tensor: Pick<TorchTensor, 'name' | 'shape' | 'dtype'>, pools: Map<number, Uint8Array>) {
  const { name, shape } = tensor;
  let left = bytesOf(tensor);
  if (shape.length === 1 || name.endsWith('.alpha') || name.endsWith('.original0')) {
    const value = name.endsWith('bias') ? 0 : 1;
    yield bfloat16(new Float32Array(left / 2).fill(value));
    return;
  }
  const table = /embed_tokens|\.codebook\./.test(name);
  const inputs = shape.slice(1).reduce((a, b) => a * b, 1);
  const deviation = table ? 1 : 1 / Math.sqrt(inputs);
  let pool = pools.get(deviation);
  if (!pool) {
    const random = new Random(`full size ${deviation}`);
    pool = bfloat16(Float32Array.from({ length: POOL }, () => deviation * random.normal()));
    pools.set(deviation, pool);
  }
  let at = 2 * new Random(`start of ${name}`).int(POOL);
  while (left > 0) {
    const piece = pool.subarray(at, Math.min(pool.length, at + left));
    yield piece;
    left -= piece.length;
    at = 0;
  }
}

/** Nearest bf16 numbers as little-endian bytes. */
function bfloat16(values: Float32Array): Uint8Array {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return new Uint8Array(Uint16Array.from(words, (word) => (word + 0x8000) >>> 16).buffer);
}

/** Bytes that {@link writeCheckpoint} will write, nearly. */
export const checkpointBytes = (scale: Scale): number =>
  checkpointTensors(scale).reduce((sum, tensor) => sum + bytesOf(tensor), 0);

/** Writes the checkpoint, and config.json and tokenizer.json beside it. */
export function writeCheckpoint(file: string, scale: Scale, progress: (share: number) => void): void {
  const folder = dirname(file);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), `${JSON.stringify(scale.own, null, 2)}\n`);
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer(scale.gguf.vocabulary)));
  const all = checkpointBytes(scale);
  writeTorchFile(file, checkpointTensors(scale), (bytes) => progress(Math.min(1, bytes / all)));
}

/** Of Qwen3's 151,936 ids its tokenizer uses all but this many. */
const UNUSED_IDS = 267;

/** A tokenizer with as many tokens as the real one: the bytes, and letters merged one by one to words of up to four. */
function tokenizer(vocabulary: number): object {
  const json = trainBpe([], { vocabSize: 256 });
  const { vocab, merges } = json.model;
  const letters = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i));
  let words = letters;
  let next = 256;
  while (next < vocabulary - UNUSED_IDS) {
    const longer: string[] = [];
    for (const word of words) {
      for (const letter of letters) {
        if (next >= vocabulary - UNUSED_IDS) break;
        vocab[word + letter] = next++;
        merges.push([word, letter]);
        longer.push(word + letter);
      }
    }
    words = longer;
  }
  return json;
}
