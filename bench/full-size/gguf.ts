/**
 * Writes a GGUF file (version 3) of the Qwen3-8B shape with random 4-bit weights, so that llama.cpp can be timed on the same
 * machine. Format: ggml's docs/gguf.md; Q4_0 is a half-float scale and 32 nibbles a block.
 */
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';

export interface QwenShape {
  layers: number;
  hidden: number;
  intermediate: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  vocabulary: number;
}

/** The decoder of the published model, over Qwen3's own 151,936 ids. */
export const QWEN3_8B: QwenShape = {
  layers: 36,
  hidden: 4096,
  intermediate: 12288,
  heads: 32,
  kvHeads: 8,
  headDim: 128,
  vocabulary: 151_936,
};

const F32 = 0;
const Q4_0 = 2;
const ALIGNMENT = 32;
/** GGUF's numbers for types of metadata. */
const KIND = { uint32: 4, int32: 5, float32: 6, string: 8, array: 9 } as const;

interface GgufTensor {
  name: string;
  /** innermost first, as ggml counts */
  dims: number[];
  type: typeof F32 | typeof Q4_0;
}

function tensorsOf(shape: QwenShape): GgufTensor[] {
  const { hidden, intermediate, heads, kvHeads, headDim, vocabulary } = shape;
  const matrix = (name: string, input: number, output: number): GgufTensor => ({
    name: `${name}.weight`,
    dims: [input, output],
    type: Q4_0,
  });
  const norm = (name: string, size: number): GgufTensor => ({ name: `${name}.weight`, dims: [size], type: F32 });
  const layer = (i: number): GgufTensor[] => [
    norm(`blk.${i}.attn_norm`, hidden),
    matrix(`blk.${i}.attn_q`, hidden, heads * headDim),
    matrix(`blk.${i}.attn_k`, hidden, kvHeads * headDim),
    matrix(`blk.${i}.attn_v`, hidden, kvHeads * headDim),
    matrix(`blk.${i}.attn_output`, heads * headDim, hidden),
    norm(`blk.${i}.attn_q_norm`, headDim),
    norm(`blk.${i}.attn_k_norm`, headDim),
    norm(`blk.${i}.ffn_norm`, hidden),
    matrix(`blk.${i}.ffn_gate`, hidden, intermediate),
    matrix(`blk.${i}.ffn_up`, hidden, intermediate),
    matrix(`blk.${i}.ffn_down`, intermediate, hidden),
  ];
  return [
    matrix('token_embd', hidden, vocabulary),
    ...Array.from({ length: shape.layers }, (_, i) => layer(i)).flat(),
    norm('output_norm', hidden),
    matrix('output', hidden, vocabulary),
  ];
}

const elements = (dims: readonly number[]): number => dims.reduce((a, b) => a * b, 1);
const byteLength = ({ dims, type }: GgufTensor): number =>
  type === F32 ? 4 * elements(dims) : (elements(dims) / 32) * 18;
const aligned = (n: number): number => Math.ceil(n / ALIGNMENT) * ALIGNMENT;

/** Bytes of all tensors of such a file. */
export const ggufBytes = (shape: QwenShape): number =>
  tensorsOf(shape).reduce((sum, tensor) => sum + aligned(byteLength(tensor)), 0);

/** Bytes of the tensors that a token reads: all but the embeddings. */
export const ggufBytesRead = (shape: QwenShape): number =>
  tensorsOf(shape).reduce((sum, tensor) => sum + (tensor.name === 'token_embd.weight' ? 0 : byteLength(tensor)), 0);

/** Little-endian pieces of the header. */
class Bytes {
  readonly parts: Uint8Array[] = [];
  length = 0;

  private push(size: number, write: (buffer: Buffer) => void): void {
    const buffer = Buffer.alloc(size);
    write(buffer);
    this.raw(buffer);
  }

  raw(bytes: Uint8Array): void {
    this.parts.push(bytes);
    this.length += bytes.byteLength;
  }

  u32 = (value: number) => this.push(4, (b) => b.writeUInt32LE(value));
  u64 = (value: number) => this.push(8, (b) => b.writeBigUInt64LE(BigInt(value)));
  f32 = (value: number) => this.push(4, (b) => b.writeFloatLE(value));

  string(text: string): void {
    const bytes = Buffer.from(text);
    this.u64(bytes.length);
    this.raw(bytes);
  }
}

function metadata(out: Bytes, shape: QwenShape): number {
  const { layers, hidden, intermediate, heads, kvHeads, headDim, vocabulary } = shape;
  const entries: (() => void)[] = [];
  const put = (key: string, kind: number, write: () => void) =>
    entries.push(() => {
      out.string(key);
      out.u32(kind);
      write();
    });
  const count = (key: string, value: number) => put(key, KIND.uint32, () => out.u32(value));
  const real = (key: string, value: number) => put(key, KIND.float32, () => out.f32(value));
  const text = (key: string, value: string) => put(key, KIND.string, () => out.string(value));
  const list = (key: string, kind: number, length: number, write: (i: number) => void) =>
    put(key, KIND.array, () => {
      out.u32(kind);
      out.u64(length);
      for (let i = 0; i < length; i++) write(i);
    });
  text('general.architecture', 'qwen3');
  text('general.name', 'random weights of the Qwen3-8B shape');
  count('general.alignment', ALIGNMENT);
  count('qwen3.block_count', layers);
  count('qwen3.context_length', 4096);
  count('qwen3.embedding_length', hidden);
  count('qwen3.feed_forward_length', intermediate);
  count('qwen3.attention.head_count', heads);
  count('qwen3.attention.head_count_kv', kvHeads);
  count('qwen3.attention.key_length', headDim);
  count('qwen3.attention.value_length', headDim);
  real('qwen3.attention.layer_norm_rms_epsilon', 1e-6);
  real('qwen3.rope.freq_base', 1e6);
  text('tokenizer.ggml.model', 'gpt2');
  text('tokenizer.ggml.pre', 'qwen2');
  list('tokenizer.ggml.tokens', KIND.string, vocabulary, (i) => out.string(`t${i}`));
  list('tokenizer.ggml.token_type', KIND.int32, vocabulary, () => out.u32(1));
  list('tokenizer.ggml.merges', KIND.string, 0, () => {});
  count('tokenizer.ggml.eos_token_id', 0);
  for (const write of entries) write();
  return entries.length;
}

/** Blocks of random nibbles with a scale of 0.005: weights with a deviation of about 0.02. */
function randomBlocks(bytes: number, nextByte: () => number): Uint8Array {
  const out = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) out[i] = nextByte();
  for (let i = 0; i + 18 <= bytes; i += 18) {
    out[i] = 0x1f;
    out[i + 1] = 0x1d; // 0x1d1f as a half float: 0.005
  }
  return out;
}

/** @param nextByte random numbers 0 to 255 */
export function writeGguf(path: string, shape: QwenShape, nextByte: () => number): void {
  const tensors = tensorsOf(shape);
  const body = new Bytes();
  const pairs = metadata(body, shape);
  let offset = 0;
  for (const tensor of tensors) {
    body.string(tensor.name);
    body.u32(tensor.dims.length);
    for (const dim of tensor.dims) body.u64(dim);
    body.u32(tensor.type);
    body.u64(offset);
    offset += aligned(byteLength(tensor));
  }
  const head = new Bytes();
  head.raw(Buffer.from('GGUF'));
  head.u32(3);
  head.u64(tensors.length);
  head.u64(pairs);
  const part = `${path}.part`;
  const file = openSync(part, 'w');
  let written = 0;
  const write = (bytes: Uint8Array) => {
    for (let done = 0; done < bytes.byteLength; ) done += writeSync(file, bytes, done);
    written += bytes.byteLength;
  };
  const pad = () => write(new Uint8Array(aligned(written) - written));
  write(Buffer.concat(head.parts));
  write(Buffer.concat(body.parts));
  pad();
  const pool = randomBlocks(18 * 65_536, nextByte);
  const ones = new Float32Array(elements([Math.max(shape.hidden, shape.headDim)])).fill(1);
  for (const tensor of tensors) {
    let left = byteLength(tensor);
    const source = tensor.type === F32 ? new Uint8Array(ones.buffer) : pool;
    for (; left > 0; left -= Math.min(left, source.length)) write(source.subarray(0, Math.min(left, source.length)));
    pad();
  }
  closeSync(file);
  renameSync(part, path);
}
