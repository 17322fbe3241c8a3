/** The work of convert.ts: checkpoints made into model folders, for this package in few bits, or for vLLM. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BagpiperError } from '../errors.js';
import { writeAtomically } from '../files.js';
import { openTokenizer } from '../model/bagpiper.js';
import type { BagpiperConfig } from '../model/config.js';
import type { JsonObject } from '../model/config-reader.js';
import { planConversion } from '../model/conversion.js';
import { type Files, isServed, servingFiles } from '../model/serving.js';
import { type StorageChoice, storageChoice } from '../model/storage.js';
import { WORLD_FILE } from '../model/world.js';
import { looksLikeRepo, snapshotFolder } from '../weights/hub/index.js';
import { type Checkpoint, convertTensors, hashFiles, openCheckpoint, readJsonFile } from '../weights/index.js';
import type { ConvertedModel, ConvertModelOptions } from './conversion.js';

const TOKENIZER = 'tokenizer.json';
/** What stands beside weights and is taken along. */
const TOKENIZER_FILES = [
  TOKENIZER,
  'tokenizer_config.json',
  'vocab.json',
  'merges.txt',
  'added_tokens.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'generation_config.json',
];
const OTHER_FILES = ['README.md', 'LICENSE'];

/** See convert.ts. */
export async function convertModel(
  input: string,
  out: string,
  options: ConvertModelOptions = {},
): Promise<ConvertedModel> {
  const { signal, onEvent = () => {} } = options;
  const choice = storageChoice(options);
  const source = looksLikeRepo(input) && !existsSync(input) ? snapshotFolder(input) : input;
  const checkpoint = openCheckpoint(source);
  const { own, where } = configOf(source, options.config);
  const { config, json, tensors, groups, dropped } = planConversion(checkpoint, own, where, choice);
  const files = filesBeside(source, config, choice, options.tokenizer);
  if (json.quantization) json.quantization = { ...(json.quantization as JsonObject), source: sourceOf(checkpoint) };
  files.set('config.json', `${JSON.stringify(json, null, 2)}\n`);
  const world = join(folderOf(source), WORLD_FILE);
  const statistics = existsSync(world) ? readFileSync(world) : undefined;
  onEvent({ type: 'planned', groups, dropped });
  const { bytes, kept } = await convertTensors(checkpoint, {
    out,
    tensors,
    ...(signal === undefined ? {} : { signal }),
    progress: (tensor, done, total, kept) => onEvent({ type: 'progress', tensor, done, total, kept }),
    beside: (folder) => {
      for (const [name, text] of files) {
        writeAtomically(join(folder, name), text);
      }
      // The encoder's large matrices may get eight bits, which moves its features far less than sounds differ.
      if (statistics) writeAtomically(join(folder, WORLD_FILE), (append) => append(statistics));
    },
  });
  return { folder: out, ...choice, bytes, kept, groups, dropped };
}

/** Whether a folder holds what would be made of a checkpoint. @throws BagpiperError where the checkpoint cannot be read */
export function isConverted(input: string, out: string, options: Partial<StorageChoice>): boolean {
  const config = readJsonFile(join(out, 'config.json'), { optional: true });
  const found = (config as { quantization?: JsonObject } | undefined)?.quantization;
  if (!found) return false;
  const { quantize, block, headBits } = storageChoice(options);
  const wanted = { method: quantize, block, head_bits: headBits, source: sourceOf(openCheckpoint(input)) };
  return Object.entries(wanted).every(([field, value]) => found[field] === value);
}

/** Stands for the content of weights. */
const sourceOf = ({ files }: Checkpoint): string => hashFiles(files).slice(0, 16);

/** The config that belongs to weights: the named file, the one beside them, or none. @throws BagpiperError */
export function configOf(source: string, named?: string): { own: unknown; where: string } {
  const file = named ?? join(folderOf(source), 'config.json');
  const own = readJsonFile(file, { optional: named === undefined });
  return { own, where: own === undefined ? 'the published model' : file };
}

/** What is put beside weights and config. @throws BagpiperError where there is no usable tokenizer */
function filesBeside(
  source: string,
  config: BagpiperConfig,
  { quantize }: StorageChoice,
  named: string | false | undefined,
): Files {
  const folders = [...(named ? [folderOf(named)] : []), folderOf(source)];
  const found = (name: string): string | undefined =>
    folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  const beside = new Map<string, string>();
  for (const name of named === false ? OTHER_FILES : [...TOKENIZER_FILES, ...OTHER_FILES]) {
    const path = found(name);
    if (path !== undefined) beside.set(name, readFileSync(path, 'utf8'));
  }
  if (named === false) return beside;
  const file = join(folders[0], TOKENIZER);
  if (!existsSync(file)) {
    throw new BagpiperError(
      `${file} does not exist, and the result needs a tokenizer; name the folder of one with --tokenizer (the published models have that of Qwen/Qwen3-8B-Base), or leave it out with --no-tokenizer.`,
    );
  }
  const json = readJsonFile(file);
  openTokenizer(json, config, file, 'config.json');
  if (quantize !== 'none' || isServed(json, config)) return beside;
  return new Map([...beside, ...servingFiles(json, config, file)]);
}

/** The folder that a path names or lies in. */
function folderOf(path: string): string {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ? path : dirname(path);
}
