/** Which files of a folder are its weights: the layouts of model hubs, of DeepSpeed, and single files. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError, messageOf } from '../errors.js';
import { fileSource } from './range.js';
import { readShardIndex, type Shards } from './shards.js';

/** How weights are stored. */
export type Format = 'safetensors' | 'torch';

/** Where a checkpoint's weights are: files under their folder, and what an index says of them. */
export interface Found {
  folder: string;
  files: readonly string[];
  /** The name of the index and its content, where the weights are split. */
  index?: { name: string; shards: Shards };
}

/** What hubs call weights: one file, or an index of several; earlier ones win. */
const HUB = [
  { single: 'model.safetensors', index: 'model.safetensors.index.json', extension: 'safetensors' },
  { single: 'pytorch_model.bin', index: 'pytorch_model.bin.index.json', extension: 'bin' },
] as const;
const WEIGHTS = /\.(safetensors|pt|pth|bin)$/;
/** What trainers put beside weights, and what we do. */
const NO_WEIGHTS =
  /^(training_args|optimizer|scheduler|scaler|rng_state|random_states)\b|^rng_state|_optim_states\.pt$|^world\.safetensors$/;
const TAG = /^[\w.-]+$/;
const STATES = /^mp_rank_\d+_model_states\.pt$/;
const ZERO3 = /^zero_pp_rank_\d+_mp_rank_\d+_model_states\.pt$/;
const LAYER = /^layer_\d+-model_\d+-model_states\.pt$/;

/**
 * Finds the weights of a folder.
 *
 * @throws BagpiperError where there are none, where it is not clear which are meant, or where they are split in ways that
 *   only the program that wrote them can join.
 */
export function findWeights(folder: string): Found {
  const names = list(folder);
  for (const { single, index, extension } of HUB) {
    const shards = readShardIndex(join(folder, index), extension);
    if (shards !== undefined) return { folder, files: [...shards.keys()], index: { name: index, shards } };
    if (names.includes(single)) return { folder, files: [single] };
  }
  const steps = names.includes('latest') ? [latestTag(folder)] : names.filter((name) => /^global_step\d+$/.test(name));
  if (isDeepSpeed(names)) return deepSpeedFile(folder, names);
  if (steps.length === 1) {
    const inner = join(folder, steps[0]);
    return deepSpeedFile(inner, list(inner));
  }
  if (steps.length > 1) {
    throw new BagpiperError(
      `${folder} holds ${steps.length} DeepSpeed checkpoints (${shown(steps)}) and no file "latest" that names one; give the folder of one.`,
    );
  }
  if (names.some((name) => name.endsWith('.distcp'))) {
    throw new BagpiperError(
      `${folder} is a distributed PyTorch checkpoint, which is not read; join it in Python: python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER model.pt.`,
    );
  }
  const single = names.filter((name) => WEIGHTS.test(name) && !NO_WEIGHTS.test(name));
  if (single.length === 1) return { folder, files: single };
  if (single.length > 1) {
    throw new BagpiperError(`${folder} holds ${single.length} files of weights (${shown(single)}); give one of them.`);
  }
  throw new BagpiperError(
    `${folder} holds no weights; model.safetensors, pytorch_model.bin, an index of either, a DeepSpeed checkpoint or a single .pt file is expected.`,
  );
}

/**
 * The format of a file by its content; the name decides only where the content says nothing.
 *
 * @throws BagpiperError where it is neither.
 */
export function formatOf(path: string): Format {
  const source = fileSource(path, 'a file of weights');
  const head = source.use((read) => read(0, Math.min(source.size, 24)));
  const text = new TextDecoder('latin1').decode(head);
  if (text.startsWith('version https://git-lfs')) {
    throw new BagpiperError(`${path} only points to weights in Git LFS; fetch them with "git lfs pull".`);
  }
  if (text.startsWith('PK') || text.startsWith('\x80')) return 'torch';
  if (path.endsWith('.safetensors') || text[8] === '{') return 'safetensors';
  if (WEIGHTS.test(path)) return 'torch';
  throw new BagpiperError(`${path} is neither a safetensors nor a PyTorch file.`);
}

function isDeepSpeed(names: readonly string[]): boolean {
  return names.some((name) => STATES.test(name) || ZERO3.test(name) || LAYER.test(name));
}

function deepSpeedFile(folder: string, names: readonly string[]): Found {
  const zero3 = names.some((name) => ZERO3.test(name));
  const layers = names.some((name) => LAYER.test(name));
  const files = names.filter((name) => STATES.test(name));
  if (zero3 || layers || files.length > 1) {
    const how = zero3
      ? 'by ZeRO stage 3'
      : layers
        ? 'into pipeline stages'
        : `over ${files.length} model-parallel ranks`;
    const hint = zero3 ? 'join them with the zero_to_fp32.py beside it' : 'save the whole model in one file';
    throw new BagpiperError(`${folder} holds a DeepSpeed checkpoint whose weights are split ${how}; ${hint}.`);
  }
  if (files.length === 0) {
    throw new BagpiperError(`${folder} holds no DeepSpeed weights; mp_rank_00_model_states.pt is expected there.`);
  }
  return { folder, files };
}

/** The folder that DeepSpeed's file "latest" names. */
function latestTag(folder: string): string {
  const path = join(folder, 'latest');
  const source = fileSource(path, "DeepSpeed's name of the newest checkpoint");
  const tag = new TextDecoder().decode(source.use((read) => read(0, Math.min(source.size, 256)))).trim();
  if (!TAG.test(tag) || tag === '.' || tag === '..' || !isFolder(join(folder, tag))) {
    throw new BagpiperError(`${path} names ${JSON.stringify(tag)}, which is no folder beside it.`);
  }
  return tag;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    throw new BagpiperError(`${folder} cannot be read: ${messageOf(error)}.`);
  }
}

function isFolder(path: string): boolean {
  return existsSync(path) && statSync(path).isDirectory();
}

function shown(names: readonly string[]): string {
  return names.length > 6 ? `${names.slice(0, 6).join(', ')}, ...` : names.join(', ');
}
