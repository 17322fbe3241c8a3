/** `bagpiper info [MODEL]`: what a model folder holds, from its headers alone, or what a server says of itself. */
import { isAddress } from '../endpoints/index.js';
import { CODEC_PREFIX, parseNanoCodecConfig } from '../model/codec/nano-config.js';
import { type BagpiperConfig, parseConfig } from '../model/config.js';
import { modelSource } from '../tasks/bagpiper.js';
import { type ModelFolder, openModelFolder } from '../weights/folder.js';
import type { Context } from './context.js';
import type { ServerFlags } from './options.js';

interface InfoFlags extends ServerFlags {
  json?: boolean;
}

/** Tensors that belong together. */
interface Group {
  name: string;
  parameters: number;
  bytes: number;
}

interface ModelInfo {
  name: string;
  source: string;
  hash: string;
  parameters: number;
  /** of the weight files */
  bytes: number;
  /** tensors by number format */
  dtypes: Record<string, number>;
  groups: Group[];
  sizes: Record<string, number>;
  /** estimate of what a run takes at least */
  memoryBytes: number;
}

/** By the beginnings of tensor names; the first that fits counts. */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  ['decoder layers', /^model\.layers\./],
  ['embeddings and head', /^(model\.embed_tokens|model\.norm|lm_head|stream_emb)\./],
  ['audio encoder', /^multimodal_io_dict\.continuous_audio\./],
  ['adaptor', /^adaptor\./],
  ['codec', new RegExp(`^${CODEC_PREFIX.replaceAll('.', '\\.')}`)],
];
/**
 * What Node and ONNX Runtime take beside weights and cache. Measured (Node 20, x64): 126 MB in all for a model of 0.1M
 * parameters, 211 MB for one of 12M, which the estimate below puts at 126 and 227.
 */
const BASE_BYTES = 125e6;
/** Rows that the cache holds at first. */
const CACHE_ROWS = 512;

export async function info(model: string | undefined, flags: InfoFlags, context: Context): Promise<void> {
  const { screen } = context;
  const source = modelSource(model);
  if (isAddress(source)) return (await import('./server.js')).serverInfo(source, flags, context);
  const folder = openModelFolder(source);
  const config = parseConfig(folder.config, folder.configFile);
  await checkTensors(folder, config);
  const about = inspect(source, folder, config);
  await screen.result(flags.json ? JSON.stringify(about) : table(about));
}

/** Names, shapes and number formats, where the codec is one of ours; numbers are not looked at. @throws BagpiperError */
async function checkTensors(folder: ModelFolder, config: BagpiperConfig): Promise<void> {
  const { codec_config: codec } = config;
  if (codec?.type === 'xcodec') return;
  const { expectedTensors, isUnused } = await import('../model/bagpiper.js');
  const nano = codec && parseNanoCodecConfig(codec, folder.configFile);
  folder.requireTensors(expectedTensors(config, nano), { ignore: isUnused });
}

function inspect(source: string, folder: ModelFolder, config: BagpiperConfig): ModelInfo {
  const groups = new Map<string, Group>();
  const dtypes: Record<string, number> = {};
  for (const { name, shape, dtype, byteLength } of folder.tensors.values()) {
    const label = GROUPS.find(([, pattern]) => pattern.test(name))?.[0] ?? 'other';
    const group = groups.get(label) ?? { name: label, parameters: 0, bytes: 0 };
    group.parameters += shape.reduce((a, b) => a * b, 1);
    group.bytes += byteLength;
    groups.set(label, group);
    dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
  }
  const all = [...groups.values()];
  const parameters = all.reduce((sum, group) => sum + group.parameters, 0);
  const { num_hidden_layers: layers, num_key_value_heads: kv, head_dim: dim } = config;
  // Keys and values in 32-bit floats, for the request and for guidance.
  const cache = layers * 2 * 2 * kv * dim * CACHE_ROWS * 4;
  return {
    name: config.model_type,
    source,
    hash: folder.modelHash().slice(0, 16),
    parameters,
    bytes: all.reduce((sum, group) => sum + group.bytes, 0),
    dtypes,
    groups: all.sort((a, b) => b.parameters - a.parameters),
    sizes: sizesOf(config),
    // Weights count twice: as they are read, and as ONNX Runtime packs them.
    memoryBytes: BASE_BYTES + 2 * parameters * 4 + cache,
  };
}

function sizesOf(config: BagpiperConfig): Record<string, number> {
  return {
    layers: config.num_hidden_layers,
    hidden: config.hidden_size,
    heads: config.num_attention_heads,
    keyValueHeads: config.num_key_value_heads,
    vocabulary: config.vocab_size,
    streams: config.num_stream,
    codes: config.codec_layer_size - 1,
    encoderLayers: config.audio_config?.encoder_layers ?? 0,
    longestRow: config.max_position_embeddings,
  };
}

function table(about: ModelInfo): string {
  const lines: [string, string][] = [
    ['name', about.name],
    ['source', about.source],
    ['hash', about.hash],
    ['parameters', `${about.parameters.toLocaleString('en-US')} in ${megabytes(about.bytes)}`],
    ...about.groups.map(({ name, parameters, bytes }): [string, string] => [
      `  ${name}`,
      `${parameters.toLocaleString('en-US')} in ${megabytes(bytes)}`,
    ]),
    ['number formats', list(about.dtypes, (dtype, count) => `${dtype} (${count} tensors)`)],
    ['sizes', list(about.sizes, (name, size) => `${name} ${size}`)],
    ['memory needed', `about ${megabytes(about.memoryBytes)}`],
  ];
  const width = Math.max(...lines.map(([label]) => label.length)) + 2;
  return lines.map(([label, value]) => label.padEnd(width) + value).join('\n');
}

const list = (entries: Record<string, number>, text: (name: string, value: number) => string): string =>
  Object.entries(entries)
    .map(([name, value]) => text(name, value))
    .join(', ');

function megabytes(bytes: number): string {
  const mega = bytes / 1e6;
  return mega < 1000 ? `${mega.toFixed(mega < 10 ? 1 : 0)} MB` : `${(mega / 1000).toFixed(1)} GB`;
}
