/** Reads JSON files with errors that a user can act on. */
import { readFileSync, statSync } from 'node:fs';
import { BagpiperError, messageOf } from '../errors.js';

/** Larger files are refused: no configuration, index or vocabulary comes near it. */
const MAX_BYTES = 256 * 2 ** 20;

/**
 * The parsed content of a JSON file.
 *
 * @param options.optional a missing file gives undefined instead of an error.
 * @throws BagpiperError where the file is missing, too large, or no JSON.
 */
export function readJsonFile(path: string, options: { optional?: boolean } = {}): unknown {
  const stats = orExplain(path, () => statSync(path, { throwIfNoEntry: false }));
  if (stats === undefined) {
    if (options.optional) return undefined;
    throw new BagpiperError(`${path} does not exist; a JSON file is expected there.`);
  }
  if (!stats.isFile()) throw new BagpiperError(`${path} is not a file; a JSON file is expected there.`);
  if (stats.size > MAX_BYTES) {
    throw new BagpiperError(`${path} has ${stats.size} bytes; JSON files up to ${MAX_BYTES} bytes are accepted.`);
  }
  const text = orExplain(path, () => readFileSync(path, 'utf8'));
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BagpiperError(`${path} is not valid JSON: ${messageOf(error)}.`);
  }
}

function orExplain<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new BagpiperError(`${path} cannot be read: ${messageOf(error)}.`);
  }
}
