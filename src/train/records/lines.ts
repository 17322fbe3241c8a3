/** Files of lines, with errors that name the line. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BagpiperError, messageOf } from '../../errors.js';
import { isObject } from '../../json.js';

/** A parsed line with its place, `file, line 3`, for messages. */
export interface JsonLine {
  value: Record<string, unknown>;
  where: string;
}

/** @throws BagpiperError where the file is missing or unreadable */
export function readText(path: string): string {
  if (!existsSync(path)) throw new BagpiperError(`${path}: there is no such file; check the path.`);
  try {
    const bytes = readFileSync(path);
    return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new BagpiperError(`${path} cannot be read: ${messageOf(error)}.`);
  }
}

/** The JSON objects of a .jsonl or .jsonl.gz file; empty lines are left out. @throws BagpiperError naming file and line */
export function* readJsonLines(path: string): Generator<JsonLine> {
  let number = 0;
  for (const line of readText(path).split('\n')) {
    number++;
    if (line.trim() === '') continue;
    const where = `${path}, line ${number}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new BagpiperError(`${where} is no JSON: ${messageOf(error)}.`);
    }
    if (!isObject(value)) {
      throw new BagpiperError(`${where} is no JSON object; one object a line is expected.`);
    }
    yield { value, where };
  }
}

/** A path that a file names: relative ones count from that file's folder. */
export const beside = (file: string, path: string): string => (isAbsolute(path) ? path : resolve(dirname(file), path));
