/** What is asked of the filters, what they decided, and what their passes read again and again. */
import type { JsonObject, SoundKind } from '../types.js';
import { lineBatches } from './lines.js';
import { type LabelLine, labelLines } from './records.js';
import type { FilterSettings } from './settings.js';
import { parsed, recordOf, type Side, type SideName } from './sides.js';
import { type Column, IdTable } from './tables.js';
import type { Distributions, Verdicts } from './tally.js';
import { TextFilter } from './text-pass.js';
import { openTranscripts } from './texts.js';

export interface FilterRequest {
  /** a run's label.jsonl, or upstream's label files; or what gives their lines anew each time, for labels that lie elsewhere */
  labels: readonly string[] | (() => AsyncIterable<LabelLine[]>);
  /** where filter.jsonl and the folder filter/ are written; must exist */
  folder: string;
  settings: FilterSettings;
  /** whether ids are known to come once, as in a run; otherwise later labels of an id are removed */
  unique?: boolean;
  /** a file with reference transcripts: a run's clips.jsonl, JSONL, or lines "id words" */
  transcripts?: string;
  /** files of ids to delete: `utt_id` or `id`, JSONL or one a line */
  blacklists?: readonly string[];
  /** side files; where there is none, nothing is joined, scored or drawn */
  sides?: Partial<Record<SideName, string>>;
  /** what else decides, as a judge and its prompts: calls of other ones do not count as done */
  basis?: JsonObject;
  /** kind of sound where no judge tells it */
  kind?: SoundKind;
  signal?: AbortSignal;
  onProgress?: (progress: FilterProgress) => void;
}

export interface FilterProgress {
  phase: 'text' | 'duplicates' | 'join' | 'write';
  records: number;
  /** bytes of the labels' files that this phase read */
  bytes: number;
}

/** What all passes share. */
export interface Decided {
  verdicts: Verdicts;
  distributions: Distributions;
  /** of near-duplicates: the record that is kept instead, by record */
  firsts: Map<number, number>;
  /** of joined and kept records: score, kind and lengths, by record */
  scored?: Scored;
}

export interface Scored {
  sides: Side[];
  /** place in the columns, less one, by record */
  places: Column<Int32Array>;
  scores: Column<Float64Array>;
  kinds: Column<Uint8Array>;
  textToAudio: Column<Float32Array>;
  audioToText: Column<Float32Array>;
}

/** All lines of a request. @param onRead told how many bytes of the files were read */
export function linesOf(
  { labels, signal }: FilterRequest,
  onRead?: (bytes: number) => void,
): AsyncIterable<LabelLine[]> {
  return typeof labels === 'function' ? labels() : labelLines(labels, signal, onRead);
}

/** The labels of a request that no filter has removed yet, with their records' numbers. */
export async function* survivors(request: FilterRequest, { verdicts }: Decided): AsyncGenerator<LabelLine> {
  for await (const lines of linesOf(request)) {
    for (const line of lines) if (verdicts.isKept(line.index)) yield line;
  }
}

/** Opens what the text filters look up. */
export async function textFilter(request: FilterRequest): Promise<{ filter: TextFilter; close: () => void }> {
  const { settings, signal, transcripts, blacklists = [] } = request;
  const deleted = blacklists.length > 0 ? await readIds(blacklists, signal) : undefined;
  const texts = transcripts && settings.transcript ? await openTranscripts(transcripts, signal) : undefined;
  return { filter: new TextFilter(settings, texts, deleted), close: () => texts?.close() };
}

/** Ids of delete lists. Upstream writes them as `id` in one place and reads `utt_id` in another; both are read here. */
async function readIds(paths: readonly string[], signal?: AbortSignal): Promise<IdTable> {
  const ids = new IdTable();
  for (const path of paths) {
    for await (const { lines, numbers, torn } of lineBatches(path, signal)) {
      for (const [i, line] of lines.entries()) {
        const text = line.toString().trim();
        if (text.startsWith('{')) {
          const place = `${path} line ${numbers[i]}`;
          const fields = parsed(text, place, torn && i === lines.length - 1);
          const record = fields && recordOf(fields, place);
          if (record) ids.add(record.id);
        } else if (text !== '') ids.add(text.split(/\s/, 1)[0]);
      }
    }
  }
  return ids;
}
