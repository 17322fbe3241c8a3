/**
 * `bagpiper info [MODEL]`: what a model folder or a published checkpoint holds, from its headers alone, or what a server says
 * of itself.
 */
import { readdirSync, statSync } from 'node:fs';
import { isAddress } from '../endpoints/index.js';
import type { BagpiperConfig } from '../model/config.js';
import { modelSource } from '../tasks/bagpiper.js';
import { looksLikeRepo, snapshotFolder } from '../weights/hub/index.js';
import type { DType } from '../weights/index.js';
import type { Context } from './context.js';
import type { ServerFlags } from './options.js';

interface InfoFlags extends ServerFlags {
  json?: boolean;
}

/** Tensors that belong together. */
interface Group {
  name: string;
  tensors: number;
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
  /** what this machine will manage */
  machine: string;
}

/** An opened model, or weights that can become one. */
interface Opened {
  config: BagpiperConfig;
  tensors: ReadonlyMap<string, { name: string; dtype: DType; shape: number[]; byteLength: number }>;
  hash: string;
  /** can be run as it is */
  runnable: boolean;
}

export async function info(model: string | undefined, flags: InfoFlags, context: Context): Promise<void> {
  const { screen } = context;
  const source = sourceOf(model);
  if (isAddress(source)) return (await import('./server.js')).serverInfo(source, flags, context);
  const about = await inspect(source, await open(source));
  await screen.result(flags.json ? JSON.stringify(about) : table(about));
}

/** Where the model lies; a pulled one that was not converted yet, where it was pulled to. */
function sourceOf(model: string | undefined): string {
  try {
    return modelSource(model);
  } catch (error) {
    if (model === undefined || !looksLikeRepo(model)) throw error;
    try {
      return snapshotFolder(model);
    } catch {
      throw error;
    }
  }
}

/** Checks names, shapes and number formats; numbers are not looked at. @throws BagpiperError */
async function open(source: string): Promise<Opened> {
  const { codecOf, expectedTensors, isUnused } = await import('../model/bagpiper.js');
  const { hashFiles, openCheckpoint, openModelFolder, openWeights } = await import('../weights/index.js');
  if (!isCheckpoint(source)) {
    const { parseConfig } = await import('../model/config.js');
    const folder = openModelFolder(source);
    const config = parseConfig(folder.config, folder.configFile);
    const { tensors } = folder;
    const expected = expectedTensors(config, codecOf(config, folder.configFile), (name) => tensors.has(name));
    openWeights(folder, expected, { ignore: isUnused });
    return { config, tensors, hash: folder.modelHash(), runnable: true };
  }
  const { checkWeights } = await import('../model/conversion.js');
  const { configOf } = await import('../tasks/convert-model.js');
  const checkpoint = openCheckpoint(source);
  const { own, where } = configOf(source);
  const { config } = checkWeights(checkpoint, own, where);
  return { config, tensors: checkpoint.tensors, hash: hashFiles(checkpoint.files), runnable: false };
}

/** Whether these are weights that must be converted before they run, as published; else they are, or should be, a model folder. */
function isCheckpoint(source: string): boolean {
  const stats = statSync(source, { throwIfNoEntry: false });
  if (!stats?.isDirectory()) return stats !== undefined;
  const names = readdirSync(source);
  const runnable = names.includes('model.safetensors') || names.includes('model.safetensors.index.json');
  return names.length > 0 && !(names.includes('config.json') && runnable);
}

async function inspect(source: string, { config, tensors, hash, runnable }: Opened): Promise<ModelInfo> {
  const { memoryNeeded, modelTensors } = await import('../model/memory.js');
  const { groupOf } = await import('../model/storage.js');
  const { verdict } = await import('./machine.js');
  const groups = new Map<string, Group>();
  const dtypes: Record<string, number> = {};
  const all = modelTensors(tensors);
  for (const { name, shape, format, bytes } of all) {
    const label = groupOf(name);
    const group = groups.get(label) ?? { name: label, tensors: 0, parameters: 0, bytes: 0 };
    group.tensors++;
    group.parameters += shape.reduce((a, b) => a * b, 1);
    group.bytes += bytes;
    groups.set(label, group);
    dtypes[format] = (dtypes[format] ?? 0) + 1;
  }
  const list = [...groups.values()];
  return {
    name: config.model_type,
    source,
    hash: hash.slice(0, 16),
    parameters: list.reduce((sum, { parameters }) => sum + parameters, 0),
    bytes: list.reduce((sum, { bytes }) => sum + bytes, 0),
    dtypes,
    groups: list.sort((a, b) => b.parameters - a.parameters),
    sizes: sizesOf(config),
    memoryBytes: memoryNeeded(all, config),
    machine: verdict(all, config, runnable),
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
    ...about.groups.map(({ name, tensors, parameters, bytes }): [string, string] => [
      `  ${name}`,
      `${parameters.toLocaleString('en-US')} in ${megabytes(bytes)}, ${counted(tensors)}`,
    ]),
    ['number formats', list(about.dtypes, (dtype, count) => `${dtype} (${counted(count)})`)],
    ['sizes', list(about.sizes, (name, size) => `${name} ${size}`)],
    ['memory needed', `about ${megabytes(about.memoryBytes)}`],
    ['this machine', about.machine],
  ];
  const width = Math.max(...lines.map(([label]) => label.length)) + 2;
  return lines.map(([label, value]) => label.padEnd(width) + value).join('\n');
}

const counted = (tensors: number): string => `${tensors} tensor${tensors === 1 ? '' : 's'}`;

const list = (entries: Record<string, number>, text: (name: string, value: number) => string): string =>
  Object.entries(entries)
    .map(([name, value]) => text(name, value))
    .join(', ');

function megabytes(bytes: number): string {
  const mega = bytes / 1e6;
  return mega < 1000 ? `${mega.toFixed(mega < 10 ? 1 : 0)} MB` : `${(mega / 1000).toFixed(1)} GB`;
}
