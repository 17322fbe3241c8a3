/**
 * Filters labels: text, near-duplicates, what is joined of them, noisy top-k. Every pass reads the labels' files anew, so that
 * memory holds some tens of bytes a record; nothing of the outcome is written before all is decided.
 */
import { join as joinPath } from 'node:path';
import type { SoundKind } from '../types.js';
import { markOf } from './done.js';
import { DuplicateFinder } from './duplicates.js';
import { idOf, readLabel } from './records.js';
import { type Decided, type FilterRequest, linesOf, type Scored, survivors, textFilter } from './request.js';
import { checkSemantics, joinedReason, noisyScore, score, topK } from './score.js';
import { kindOf, Side, type SideName } from './sides.js';
import type { FilterStats } from './stats.js';
import { Column, IdTable } from './tables.js';
import { Distributions, Verdicts } from './tally.js';
import type { Verdict } from './text-pass.js';
import { writeOutcome } from './write.js';

/**
 * Filters and writes filter.jsonl (a {@link Line} a label) and filter/: delete_ids.jsonl, kept_utt_ids.txt, stats.json, demo.jsonl,
 * distributions.json. The same labels and settings give the same bytes.
 *
 * @param judge is asked between the filters of text and the join
 * @throws BagpiperError for files that cannot be read or written; the signal's reason
 */
export async function filterLabels(request: FilterRequest, judge?: Judging): Promise<FilterStats> {
  checkSemantics(request.settings);
  const mark = markOf(request);
  const decided = await decide(request, judge);
  return writeOutcome(request, decided, mark);
}

/** Judges what the filters of text left, and gives the files of what came of it. */
export type Judging = (decided: Decided) => Promise<FilterRequest['sides']>;

/** Decides on every record without writing the outcome. */
export async function decide(request: FilterRequest, judge?: Judging): Promise<Decided> {
  const decided: Decided = { verdicts: new Verdicts(), distributions: new Distributions(), firsts: new Map() };
  await passText(request, decided);
  const sides = { ...request.sides, ...(await judge?.(decided)) };
  if (Object.keys(sides).length > 0) await passSides({ ...request, sides }, decided);
  return decided;
}

const AGAIN: Verdict = { reason: { kind: 'duplicate_id', message: '' }, step: 'surface' };

async function passText(request: FilterRequest, decided: Decided): Promise<void> {
  const { settings, onProgress } = request;
  const { filter, close } = await textFilter(request);
  const temporary = joinPath(request.folder, 'filter', 'temporary');
  const finder = settings.duplicates ? new DuplicateFinder(temporary, settings.duplicates) : undefined;
  const records = new Column(new Uint32Array(1024));
  const { verdicts, distributions } = decided;
  const ids = request.unique ? undefined : new IdTable();
  const isAgain = (id: string): boolean => {
    const before = ids?.size;
    if (id !== '') ids?.add(id);
    return id !== '' && before !== undefined && before === ids?.size;
  };
  let bytes = 0;
  try {
    const lines = linesOf(request, (read) => {
      bytes = read;
    });
    for await (const batch of lines) {
      for (const line of batch) {
        const { label } = readLabel(line);
        const { reason, step, measures } = isAgain(label.id) ? AGAIN : filter.judge(label);
        verdicts.set(line.index, reason, step);
        distributions.add(label, measures);
        if (reason || !finder) continue;
        finder.add(filter.scanner.comparable());
        records.push(line.index);
      }
      onProgress?.({ phase: 'text', records: verdicts.size, bytes });
    }
    if (finder) markDuplicates(finder.firsts(), records, decided);
  } finally {
    close();
    finder?.close();
  }
}

function markDuplicates(firsts: Int32Array, records: Column<Uint32Array>, decided: Decided): void {
  for (let i = 0; i < firsts.length; i++) {
    if (firsts[i] === i) continue;
    decided.verdicts.set(records.get(i), { kind: 'near_duplicate' }, 'duplicates');
    decided.firsts.set(records.get(i), records.get(firsts[i]));
  }
}

async function passSides(request: FilterRequest, decided: Decided): Promise<void> {
  const { settings, signal, onProgress } = request;
  const sides: Side[] = [];
  for (const [name, path] of Object.entries(request.sides ?? {})) {
    sides.push(await Side.open(name as SideName, path, signal));
  }
  const scored: Scored = {
    sides,
    places: new Column(new Int32Array(1024)),
    scores: new Column(new Float64Array(1024)),
    kinds: new Column(new Uint8Array(1024)),
    textToAudio: new Column(new Float32Array(1024)),
    audioToText: new Column(new Float32Array(1024)),
  };
  decided.scored = scored;
  const noisy = new Column(new Float64Array(1024));
  const records = new Column(new Uint32Array(1024));
  const joined = new Map<string, number>();
  for await (const line of survivors(request, decided)) {
    const id = idOf(line);
    const reason = joinedReason(sides, id, joined, settings);
    const kind = kindOf(joined.get('audio_type') ?? -1) ?? request.kind;
    const value = reason ? undefined : score(joined, kind, settings);
    if (reason || value === undefined) {
      decided.verdicts.set(line.index, reason ?? { kind: 'no_score' }, 'semantic');
      continue;
    }
    scored.places.set(line.index, scored.scores.size + 1);
    scored.scores.push(value);
    scored.kinds.push(kind === undefined ? KINDS.length : KINDS.indexOf(kind));
    scored.textToAudio.push(joined.get('text_to_audio') ?? Number.NaN);
    scored.audioToText.push(joined.get('audio_to_text') ?? Number.NaN);
    noisy.push(settings.topK ? noisyScore(value, id, settings.topK) : value);
    records.push(line.index);
    if (records.size % 10_000 === 0) onProgress?.({ phase: 'join', records: line.index + 1, bytes: 0 });
  }
  if (settings.topK) draw(settings.topK.discard, scored, noisy, records, decided.verdicts);
}

const KINDS: readonly SoundKind[] = ['speech', 'music', 'sound'];

/** Noisy top-k in the pool of each kind. Records of no known kind are let go in the share of sounds. */
function draw(
  discard: Record<SoundKind, number>,
  { kinds }: Scored,
  noisy: Column<Float64Array>,
  records: Column<Uint32Array>,
  verdicts: Verdicts,
): void {
  for (let kind = 0; kind <= KINDS.length; kind++) {
    const pool = new Column(new Uint32Array(1024));
    for (let i = 0; i < records.size; i++) if (kinds.get(i) === kind) pool.push(i);
    const kept = topK(
      Float64Array.from(pool.view(), (i) => noisy.get(i)),
      discard[KINDS[kind] ?? 'sound'],
    );
    for (let i = 0; i < kept.length; i++) {
      if (kept[i] === 0) verdicts.set(records.get(pool.get(i)), { kind: 'below_top_k' }, 'top-k');
    }
  }
}
