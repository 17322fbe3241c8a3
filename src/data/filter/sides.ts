/**
 * Stage 2 of the official workflow: everything that is known of a clip is joined by id. Side files are JSONL, Parquet or CSV with
 * `utt_id` (or `id`); memory holds 16 bytes an id and 4 a number.
 */
import { BagpiperError } from '../../errors.js';
import { isObject } from '../../json.js';
import { rowsOf } from '../source/index.js';
import type { JsonObject, SoundKind } from '../types.js';
import { lineBatches } from './lines.js';
import { Column, IdTable } from './tables.js';

/** What a side file may tell, and the fields that it is read from. */
export type SideName = 'judge' | 'agreement' | 'mos' | 'clap' | 'aesthetics' | 'textToAudio' | 'audioToText';

const KINDS: readonly SoundKind[] = ['speech', 'music', 'sound'];

/** Upstream's words for kinds of sound. */
const UPSTREAM_KINDS: Readonly<Record<string, SoundKind>> = {
  speech: 'speech',
  music: 'music',
  sound_effects: 'sound',
  sound: 'sound',
};

/** Columns of each side, and how a record's numbers are found. Words are numbered, flags are 0 and 1. */
const SIDES: Record<SideName, { columns: readonly string[]; read: (fields: JsonObject) => (number | undefined)[] }> = {
  judge: {
    columns: [
      'audio_type',
      'is_pure_english',
      'is_audio_focused',
      'intelligibility_score',
      'complexity_score',
      'diversity_score',
    ],
    read: (fields) => {
      const { audio_type, is_pure_english, is_audio_focused, ...scores } = judgement(fields);
      const kind = UPSTREAM_KINDS[String(audio_type)];
      return [
        kind && KINDS.indexOf(kind),
        flag(is_pure_english),
        flag(is_audio_focused),
        number(scores.intelligibility_score),
        number(scores.complexity_score),
        number(scores.diversity_score),
      ];
    },
  },
  agreement: { columns: ['agreement'], read: (fields) => [number(fields.agreement)] },
  mos: { columns: ['mos_mean'], read: (fields) => [number(fields.MEAN ?? fields.mos_mean)] },
  clap: {
    columns: ['clap_similarity'],
    read: (fields) => [number(fields.cosine_similarity ?? fields.clap_similarity)],
  },
  aesthetics: { columns: ['aesthetics_mean'], read: (fields) => [number(fields.MEAN ?? fields.aesthetics_mean)] },
  textToAudio: { columns: ['text_to_audio'], read: (fields) => [number(fields.length)] },
  audioToText: { columns: ['audio_to_text'], read: (fields) => [number(fields.length)] },
};

/** Fields whose limits are whole numbers: a value equal to the limit is kept. */
export const WHOLE_FIELDS: ReadonlySet<string> = new Set([
  'intelligibility_score',
  'complexity_score',
  'diversity_score',
  'text_to_audio',
  'audio_to_text',
]);

export const FIELDS: readonly string[] = Object.values(SIDES).flatMap(({ columns }) => columns);

/** A side file in memory. */
export class Side {
  private readonly ids = new IdTable();
  readonly columns: readonly string[];
  private readonly values: Column<Float32Array>[];

  private constructor(readonly name: SideName) {
    this.columns = SIDES[name].columns;
    this.values = this.columns.map(() => new Column(new Float32Array(1024)));
  }

  /** @throws BagpiperError for a file that cannot be read or a line without id */
  static async open(name: SideName, path: string, signal?: AbortSignal): Promise<Side> {
    const side = new Side(name);
    if (/\.(parquet|csv|tsv)$/i.test(path)) {
      let row = 0;
      for await (const fields of rowsOf(path)) {
        signal?.throwIfAborted();
        side.add(fields, `${path} row ${++row}`);
      }
      return side;
    }
    for await (const { lines, numbers, torn } of lineBatches(path, signal)) {
      for (const [i, line] of lines.entries()) {
        const place = `${path} line ${numbers[i]}`;
        const fields = parsed(line.toString(), place, torn && i === lines.length - 1);
        if (fields) side.add(fields, place);
      }
    }
    return side;
  }

  get size(): number {
    return this.ids.size;
  }

  /** The record's place, or -1 where the file does not name it. */
  find(id: string): number {
    return this.ids.find(id);
  }

  /** NaN where the record lacks it. */
  value(index: number, column: number): number {
    return this.values[column].get(index);
  }

  private add(given: JsonObject, place: string): void {
    const record = recordOf(given, place);
    if (!record) return;
    const index = this.ids.add(record.id);
    for (const [c, value] of SIDES[this.name].read(record.fields).entries()) {
      this.values[c].set(index, value ?? Number.NaN);
    }
  }
}

/** @throws BagpiperError for a line that is no JSON object, unless it was cut off */
export function parsed(line: string, place: string, torn: boolean): JsonObject | undefined {
  try {
    const fields: unknown = JSON.parse(line);
    if (isObject(fields)) return fields;
  } catch {
    if (torn) return undefined;
  }
  throw new BagpiperError(`${place} is no JSON object; side files hold one a line.`);
}

/**
 * A side file's record, a run's line, or a line of length statistics {"id": 123}; undefined for lines that hold nothing.
 * @throws BagpiperError for one without id
 */
export function recordOf(given: JsonObject, place: string): { id: string; fields: JsonObject } | undefined {
  const id = given.utt_id ?? given.id;
  if (typeof id === 'string') {
    if ('aside' in given || 'error' in given) return undefined;
    return { id, fields: isObject(given.result) ? given.result : given };
  }
  const [entry, ...more] = Object.entries(given);
  if (entry && more.length === 0 && typeof entry[1] === 'number') return { id: entry[0], fields: { length: entry[1] } };
  throw new BagpiperError(`${place} names no record; give its id as "utt_id".`);
}

/** Upstream keeps the judge's reply as a JSON string in `response`. A reply that is none tells nothing. */
function judgement(fields: JsonObject): JsonObject {
  if (typeof fields.response !== 'string') return fields;
  const { response } = fields;
  try {
    const parsed: unknown = JSON.parse(response.slice(response.indexOf('{'), response.lastIndexOf('}') + 1));
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function flag(value: unknown): number | undefined {
  return typeof value === 'boolean' ? Number(value) : undefined;
}

export function kindOf(number: number): SoundKind | undefined {
  return KINDS[number];
}

/** The number that stands for a condition's value in a column. @throws BagpiperError for a kind that does not exist */
export function numberFor(field: string, value: number | string | boolean): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  const kind = field === 'audio_type' ? UPSTREAM_KINDS[value] : undefined;
  if (kind) return KINDS.indexOf(kind);
  throw new BagpiperError(
    `"${field}" cannot be "${value}"; audio_type is speech, music or sound, other fields are numbers.`,
  );
}
