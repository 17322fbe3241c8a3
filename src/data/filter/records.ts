/** Label records as they come: lines of a run's label.jsonl, or of upstream's label files (`utt_id`). */
import { BagpiperError } from '../../errors.js';
import { isObject } from '../../json.js';
import type { JsonObject } from '../types.js';
import { lineBatches } from './lines.js';
import type { Captioned } from './surface.js';

export interface LabelLine {
  /** place among the labels of all files, from 0 */
  index: number;
  /** the line's bytes, valid until the next one */
  bytes: Buffer;
  /** file and line, for messages */
  place: string;
}

/** A label of a line. `fields` is the record itself, without what is around it in a run. */
export interface ReadLabel {
  label: Captioned;
  fields: JsonObject;
  /** whether the line is one of a run: {"id": ..., "result": {...}} */
  wrapped: boolean;
}

const ASIDE = /^\{"id":"[^"\\]*","(?:aside|error)":/;

/**
 * The lines of several files that hold labels. Lines of a run that hold none (set aside, failed) are passed over, and so is a
 * last line that was cut off.
 * @throws BagpiperError for a file that cannot be read
 */
export async function* labelLines(
  paths: readonly string[],
  signal?: AbortSignal,
  onRead?: (bytes: number) => void,
): AsyncGenerator<LabelLine[]> {
  let index = 0;
  let before = 0;
  for (const path of paths) {
    let read = 0;
    for await (const { lines, numbers, torn, read: bytes } of lineBatches(path, signal)) {
      const batch: LabelLine[] = [];
      for (const [i, line] of lines.entries()) {
        if (ASIDE.test(line.toString('latin1', 0, 250))) continue;
        if (torn && i === lines.length - 1 && !isJson(line)) continue;
        batch.push({ index: index++, bytes: line, place: `${path} line ${numbers[i]}` });
      }
      read = bytes;
      onRead?.(before + read);
      if (batch.length > 0) yield batch;
    }
    before += read;
  }
}

function isJson(line: Buffer): boolean {
  try {
    JSON.parse(line.toString());
    return true;
  } catch {
    return false;
  }
}

/** The id of a line, which is read without the rest where it stands first. */
export function idOf(line: LabelLine): string {
  const found = /^\{"(?:id|utt_id)": ?"([^"\\]*)"/.exec(line.bytes.toString('latin1', 0, 250))?.[1];
  // Bytes beyond ASCII would be read wrong here.
  if (found !== undefined && !/[\x80-\xff]/.test(found)) return found;
  return readLabel(line).label.id;
}

/** @throws BagpiperError for a line that is no JSON object */
export function readLabel({ bytes, place }: LabelLine): ReadLabel {
  let line: unknown;
  try {
    line = JSON.parse(bytes.toString());
  } catch {
    throw new BagpiperError(`${place} is not JSON; label files hold one JSON object a line.`);
  }
  if (!isObject(line)) throw new BagpiperError(`${place} is no JSON object; label files hold one a line.`);
  const wrapped = isObject(line.result);
  const fields = (wrapped ? line.result : line) as JsonObject;
  const { id = fields.utt_id, caption, duration, usage, finish_reason } = fields;
  const tokens = isObject(usage) ? usage.completion_tokens : undefined;
  const label: Captioned = {
    id: typeof id === 'string' ? id : typeof id === 'number' ? String(id) : '',
    caption: typeof caption === 'string' ? caption : '',
    ...(typeof duration === 'number' && { duration }),
    ...(typeof tokens === 'number' && { tokens }),
    ...(typeof finish_reason === 'string' && { finishReason: finish_reason }),
  };
  return { label, fields, wrapped };
}
