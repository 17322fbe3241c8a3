/** Checks a folder of reference data, as `npm run parity -- DIR` does: which kind it is, and every tensor in it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../errors.js';
import { checkEncoder } from '../model/parity-encoder.js';
import { checkForward } from '../model/parity-forward.js';
import type { ParityLine } from '../model/parity-lines.js';
import { ReferenceNetworks } from '../model/parity-networks.js';
import { checkSequences } from '../model/parity-sequences.js';
import { checkXcodec } from '../model/parity-xcodec.js';
import { chooseDevice, type Device, type DeviceChoice } from '../runtime/index.js';
import { openSafetensors, readJsonFile } from '../weights/index.js';
import { checkGeneration } from './parity-generation.js';

export type { ParityLine } from '../model/parity-lines.js';

export interface ParityOptions {
  /** threads of the numeric engine; default: its own choice */
  threads?: number;
  /** where the networks run; default: the CPU */
  device?: DeviceChoice;
}

interface Run {
  threads?: number;
  device: Device;
}

/** Reference data of one kind and how it is checked. */
interface Kind {
  what: string;
  /** besides the weights, model.safetensors or shards */
  files: readonly string[];
  check(folder: string, run: Run): Promise<ParityLine[]>;
}

const LANGUAGE_MODEL: Kind = {
  what: 'a language model',
  files: [
    'config.json',
    'sequences.json',
    'delay.json',
    'forward.json',
    'forward.safetensors',
    'generation.json',
    'generation.safetensors',
  ],
  check: checkLanguageModel,
};

const AUDIO_ENCODER: Kind = {
  what: 'an audio encoder',
  files: ['config.json', 'cases.safetensors'],
  check: (folder, { threads, device }) => checkEncoder(folder, threads, device),
};

const XCODEC: Kind = {
  what: 'X-Codec',
  files: ['config.json', 'cases.safetensors'],
  check: (folder, { threads, device }) => checkXcodec(folder, threads, device),
};

/**
 * Checks everything that a folder of reference data holds: token grids, packs and the delay pattern, embeddings, hidden
 * values, logits, losses and greedy generation of a language model; log-mel pictures, inner tensors and features of an
 * audio encoder; codes, sound and inner tensors of X-Codec. Which of them it is, its files tell.
 *
 * @returns one line a tensor (or list of ids); the check holds where every line that is `required` is `ok`
 * @throws BagpiperError where the folder is of no known kind, a file or tensor is missing or damaged, or the device is absent
 */
export async function checkFolder(folder: string, options: ParityOptions = {}): Promise<ParityLine[]> {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new BagpiperError(`${folder} is no folder; a folder of reference data is expected.`);
  }
  const kinds = kindsOf(folder);
  if (kinds.length === 0) {
    const known = [LANGUAGE_MODEL, AUDIO_ENCODER, XCODEC].map(({ what, files }) => `${files.join(', ')} (${what})`);
    throw new BagpiperError(
      `${folder} holds no reference data of a known kind; beside model.safetensors, ${known.join(' or ')} are expected.`,
    );
  }
  for (const { what, files } of kinds) requireFiles(folder, what, files);
  const run = { ...options, device: await chooseDevice(options.device) };
  const lines: ParityLine[] = [];
  for (const kind of kinds) lines.push(...(await kind.check(folder, run)));
  return lines;
}

/** One file of its own is enough to tell a kind; the others must then be there. */
function kindsOf(folder: string): Kind[] {
  const has = (name: string): boolean => existsSync(join(folder, name));
  const kinds: Kind[] = [];
  if (LANGUAGE_MODEL.files.slice(1).some(has)) kinds.push(LANGUAGE_MODEL);
  const cases = has('cases.safetensors');
  // A codec's reference data has cases as well, but codes in place of log-mel pictures.
  const tensors = cases ? [...openSafetensors(join(folder, 'cases.safetensors')).tensors.keys()] : [];
  const json = readJsonFile(join(folder, 'config.json'), { optional: true });
  const config: object = typeof json === 'object' && json !== null ? json : {};
  const encoder = 'audio_config' in config;
  if (tensors.some(isPicture) || (encoder && (cases || kinds.length === 0))) kinds.push(AUDIO_ENCODER);
  const codec = 'model_type' in config && config.model_type === 'xcodec';
  if (codec || tensors.some((tensor) => tensor.endsWith('.codes'))) kinds.push(XCODEC);
  return kinds;
}

const isPicture = (tensor: string): boolean => tensor.endsWith('.mel');

function requireFiles(folder: string, what: string, files: readonly string[]): void {
  const missing = files.filter((name) => !existsSync(join(folder, name)));
  const weights = ['model.safetensors', 'model.safetensors.index.json'];
  if (!weights.some((name) => existsSync(join(folder, name)))) missing.push(weights[0]);
  if (missing.length === 0) return;
  throw new BagpiperError(
    `${folder} lacks ${missing.join(', ')}; reference data of ${what} has ${[...files, weights[0]].join(', ')}.`,
  );
}

async function checkLanguageModel(folder: string, { threads, device }: Run): Promise<ParityLine[]> {
  const lines = checkSequences(folder);
  for (const [prefix, file] of [
    ['sequences/', 'sequences.json'],
    ['delay/', 'delay.json'],
  ]) {
    if (lines.some(({ name }) => name.startsWith(prefix))) continue;
    throw new BagpiperError(`${join(folder, file)} holds no case that could be checked.`);
  }
  const networks = await ReferenceNetworks.open(folder, threads, device);
  try {
    lines.push(...(await checkForward(folder, networks)));
    lines.push(...(await checkGeneration(folder, networks, threads, device)));
  } finally {
    await networks.release();
  }
  return lines;
}
