/** Reference transcripts by id: they stay in their file, and memory holds where each one begins. */
import { closeSync, openSync, readSync } from 'node:fs';
import { BagpiperError } from '../../errors.js';
import { lineBatches } from './lines.js';
import { isObject } from './records.js';
import { Column, IdTable } from './tables.js';

interface Entry {
  id: string;
  text: string;
}

export class TextsById {
  private readonly ids = new IdTable();
  private readonly offsets = new Column(new Float64Array(1024));
  private readonly lengths = new Column(new Int32Array(1024));
  private readonly descriptor: number;

  private constructor(private readonly path: string) {
    this.descriptor = openSync(path, 'r');
  }

  /**
   * @param path a run's clips.jsonl, JSONL with `id` or `utt_id` and `transcript` or `text`, or lines "id words words"
   * @throws BagpiperError
   */
  static async open(path: string, signal?: AbortSignal): Promise<TextsById> {
    let texts: TextsById | undefined;
    for await (const { lines, offsets, numbers, torn } of lineBatches(path, signal)) {
      texts ??= new TextsById(path);
      for (const [i, line] of lines.entries()) {
        const entry = entryOf(line, `${path} line ${numbers[i]}`, torn && i === lines.length - 1);
        if (!entry) continue;
        const index = texts.ids.add(entry.id);
        texts.offsets.set(index, offsets[i]);
        texts.lengths.set(index, line.length);
      }
    }
    return texts ?? new TextsById(path);
  }

  get size(): number {
    return this.ids.size;
  }

  find(id: string): string | undefined {
    const index = this.ids.find(id);
    if (index < 0) return undefined;
    const line = Buffer.allocUnsafe(this.lengths.get(index));
    readSync(this.descriptor, line, 0, line.length, this.offsets.get(index));
    return entryOf(line, this.path, false)?.text;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** What a line says, or nothing where it gives no transcript. */
function entryOf(line: Buffer, place: string, torn: boolean): Entry | undefined {
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
    throw new BagpiperError(`${place} is not JSON; transcripts are given as JSONL or as lines "id words".`);
  }
  if (!isObject(fields)) return undefined;
  const record = isObject(fields.result) ? fields.result : fields;
  const id = record.id ?? record.utt_id;
  const said = record.transcript ?? record.text;
  if (typeof id !== 'string' || typeof said !== 'string' || said.trim() === '') return undefined;
  return { id, text: said };
}
