/** Records by id: they stay in their file, and memory holds where each one begins (28 bytes an id). */
import { closeSync, openSync, readSync } from 'node:fs';
import { BagpiperError } from '../../errors.js';
import { isObject } from '../../json.js';
import type { JsonObject } from '../types.js';
import { lineBatches } from './lines.js';
import { Column, IdTable } from './tables.js';

/** Lines of JSON records with `id` or `utt_id`, of a run or not; lines "id words words" are read as transcripts. */
export class LinesById {
  private readonly ids = new IdTable();
  private readonly offsets = new Column(new Float64Array(1024));
  private readonly lengths = new Column(new Int32Array(1024));
  private readonly descriptor: number;

  private constructor(private readonly path: string) {
    this.descriptor = openSync(path, 'r');
  }

  /**
   * @param wanted which records are to be found
   * @throws BagpiperError for a file that cannot be read or a line that is not understood
   */
  static async open(path: string, wanted: (record: JsonObject) => boolean, signal?: AbortSignal): Promise<LinesById> {
    let found: LinesById | undefined;
    for await (const { lines, offsets, numbers, torn } of lineBatches(path, signal)) {
      found ??= new LinesById(path);
      for (const [i, line] of lines.entries()) {
        const record = recordIn(line, `${path} line ${numbers[i]}`, torn && i === lines.length - 1);
        const id = record?.id ?? record?.utt_id;
        if (!record || typeof id !== 'string' || !wanted(record)) continue;
        const index = found.ids.add(id);
        found.offsets.set(index, offsets[i]);
        found.lengths.set(index, line.length);
      }
    }
    return found ?? new LinesById(path);
  }

  find(id: string): JsonObject | undefined {
    const index = this.ids.find(id);
    if (index < 0) return undefined;
    const line = Buffer.allocUnsafe(this.lengths.get(index));
    readSync(this.descriptor, line, 0, line.length, this.offsets.get(index));
    return recordIn(line, this.path, false);
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** Opens reference transcripts: a run's clips.jsonl, JSONL with `transcript` or `text`, or lines "id words words". */
export function openTranscripts(path: string, signal?: AbortSignal): Promise<LinesById> {
  return LinesById.open(path, (record) => transcriptOf(record) !== undefined, signal);
}

export function transcriptOf(record: JsonObject | undefined): string | undefined {
  const said = record?.transcript ?? record?.text;
  return typeof said === 'string' && said.trim() !== '' ? said : undefined;
}

function recordIn(line: Buffer, place: string, torn: boolean): JsonObject | undefined {
  const text = line.toString();
  if (!text.startsWith('{')) {
    const [, id, words] = /^(\S+)\s+(.*\S)\s*$/.exec(text) ?? [];
    return id === undefined ? undefined : { id, text: words };
  }
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    if (torn) return undefined;
    throw new BagpiperError(`${place} is not JSON; records are given as JSONL, transcripts also as lines "id words".`);
  }
  if (!isObject(fields)) return undefined;
  return isObject(fields.result) ? fields.result : fields;
}
