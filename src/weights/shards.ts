/** The index of weights that are split over several files, as model hubs publish it. */
import { BagpiperError } from '../errors.js';
import { readJsonFile } from './json.js';

/** The names of the tensors of each file, by the file's name, in the index's order. */
export type Shards = ReadonlyMap<string, readonly string[]>;

/**
 * Reads `*.index.json`.
 *
 * @param extension of the files it may name, without the dot; they lie beside it, so their names are no paths.
 * @returns undefined where there is no index.
 * @throws BagpiperError where it is damaged, empty, or names other files.
 */
export function readShardIndex(indexFile: string, extension: string): Shards | undefined {
  const index = readJsonFile(indexFile, { optional: true });
  if (index === undefined) return undefined;
  const map = (index as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new BagpiperError(`${indexFile} has no "weight_map" that gives each tensor its file.`);
  }
  const shards = new Map<string, string[]>();
  for (const [name, file] of Object.entries(map)) {
    if (typeof file !== 'string' || !/^[\w.-]+$/.test(file) || !file.endsWith(`.${extension}`)) {
      throw new BagpiperError(
        `${indexFile} places tensor "${name}" in ${typeof file === 'string' ? JSON.stringify(file) : 'no file'}; the name of a .${extension} file in the same folder is expected.`,
      );
    }
    const names = shards.get(file) ?? [];
    names.push(name);
    shards.set(file, names);
  }
  if (shards.size === 0) throw new BagpiperError(`${indexFile} places no tensor in any file.`);
  return shards;
}

/**
 * Opens every file of an index.
 *
 * @throws BagpiperError where a file lacks a tensor that the index places in it, or `open` fails.
 */
export function openShards<T extends { file: string; tensors: ReadonlyMap<string, unknown> }>(
  shards: Shards,
  indexName: string,
  open: (file: string) => T,
): T[] {
  return [...shards].map(([file, names]) => {
    const shard = open(file);
    const missing = names.find((name) => !shard.tensors.has(name));
    if (missing !== undefined) {
      throw new BagpiperError(`${shard.file} lacks tensor "${missing}", which ${indexName} places there.`);
    }
    return shard;
  });
}
