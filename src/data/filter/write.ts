/** Writes what was decided: the stage's file, and upstream's files beside it in filter/. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeAtomically } from '../../files.js';
import type { JsonObject, Reason } from '../types.js';
import { DONE } from './done.js';
import { LineFile } from './line-file.js';
import { type LabelLine, type ReadLabel, readLabel } from './records.js';
import { type Decided, type FilterRequest, linesOf, textFilter } from './request.js';
import { joinedReason } from './score.js';
import { kindOf } from './sides.js';
import { type FilterStats, type Sums, statsOf } from './stats.js';
import type { TextFilter } from './text-pass.js';

/** Examples of each reason in demo.jsonl. */
const EXAMPLES = 3;

/** @param mark what the outcome will be of; see done.ts */
export async function writeOutcome(request: FilterRequest, decided: Decided, mark: string): Promise<FilterStats> {
  const folder = join(request.folder, 'filter');
  mkdirSync(folder, { recursive: true });
  // From here on the folder may hold files of two calls.
  rmSync(join(folder, DONE), { force: true });
  const outcome = new Outcome(request, decided);
  const { filter, close } = await textFilter(request);
  try {
    let bytes = 0;
    const all = linesOf(request, (read) => {
      bytes = read;
    });
    for await (const lines of all) {
      for (const line of lines) outcome.add(line, filter);
      request.onProgress?.({ phase: 'write', records: lines[lines.length - 1].index + 1, bytes });
    }
    const stats = statsOf(decided, outcome.sums);
    outcome.finish();
    const distributions = decided.distributions.histograms((index) => decided.verdicts.isKept(index));
    writeAtomically(join(folder, 'distributions.json'), `${JSON.stringify(distributions)}\n`);
    writeAtomically(join(folder, 'stats.json'), `${JSON.stringify(stats, null, 2)}\n`);
    writeAtomically(join(folder, DONE), mark && `${mark}\n`);
    return stats;
  } finally {
    close();
    outcome.abandon();
  }
}

/** The files that have a line a record. */
class Outcome {
  readonly sums: Sums = { seconds: 0, tokens: 0, textToAudio: 0, audioToText: 0, kinds: {} };
  private readonly lines: LineFile;
  private readonly deleted: LineFile;
  private readonly kept: LineFile;
  private readonly demo: LineFile;
  private readonly examples = new Map<string, number>();
  /** ids of records that others are near-duplicates of */
  private readonly firstIds: Map<number, string>;
  private readonly joined = new Map<string, number>();

  constructor(
    private readonly request: FilterRequest,
    private readonly decided: Decided,
  ) {
    const file = (...path: string[]): LineFile => new LineFile(join(request.folder, ...path));
    this.lines = file('filter.jsonl');
    this.deleted = file('filter', 'delete_ids.jsonl');
    this.kept = file('filter', 'kept_utt_ids.txt');
    this.demo = file('filter', 'demo.jsonl');
    this.firstIds = new Map([...decided.firsts.values()].map((index) => [index, '']));
  }

  add(line: LabelLine, filter: TextFilter): void {
    const read = readLabel(line);
    const { id } = read.label;
    if (this.firstIds.has(line.index)) this.firstIds.set(line.index, id);
    if (this.decided.verdicts.isKept(line.index)) this.keep(line, read);
    // The first label of an id speaks for it in all files; later ones are only counted.
    else if (this.decided.verdicts.reason(line.index)?.kind !== 'duplicate_id')
      this.remove(line, read, this.reasonOf(line, read, filter));
  }

  private keep(line: LabelLine, { label, fields, wrapped }: ReadLabel): void {
    const { scored } = this.decided;
    const { sums } = this;
    sums.seconds += label.duration ?? 0;
    sums.tokens += label.tokens ?? 0;
    if (!scored) {
      if (wrapped) this.lines.putBytes(withoutUsage(line.bytes));
      else this.lines.put(resultLine(label.id, fields));
      this.kept.put(label.id);
      return;
    }
    const place = scored.places.get(line.index) - 1;
    const kind = kindOf(scored.kinds.get(place));
    const score = scored.scores.get(place).toFixed(6);
    const lengths = [scored.textToAudio.get(place), scored.audioToText.get(place)];
    this.kept.put([label.id, score, ...lengths.map((n) => (Number.isNaN(n) ? 'N/A' : String(n)))].join('\t'));
    this.lines.put(resultLine(label.id, { ...fields, ...(kind && { kind }), score: Number(score) }));
    sums.textToAudio += lengths[0] || 0;
    sums.audioToText += lengths[1] || 0;
    const name = kind ?? 'unknown';
    sums.kinds[name] = (sums.kinds[name] ?? 0) + 1;
  }

  private remove({ place }: LabelLine, { label, fields }: ReadLabel, { kind, message }: Reason): void {
    // Without an id nothing can be told of it but where it stands.
    const id = label.id || place;
    this.lines.put(JSON.stringify({ id, aside: { kind, message } }));
    if (label.id !== '') this.deleted.put(JSON.stringify({ utt_id: label.id }));
    const shown = this.examples.get(kind) ?? 0;
    if (shown >= EXAMPLES) return;
    this.examples.set(kind, shown + 1);
    const { id: _, ...rest } = fields;
    this.demo.put(JSON.stringify({ reason: kind, message, utt_id: id, ...rest }));
  }

  private reasonOf(line: LabelLine, { label }: ReadLabel, filter: TextFilter): Reason {
    const { verdicts, firsts, scored } = this.decided;
    const { kind, step } = verdicts.reason(line.index)!;
    if (step === 'duplicates') {
      const first = this.firstIds.get(firsts.get(line.index)!);
      return { kind, message: `It is like ${first}, which came before.` };
    }
    if (step === 'top-k') {
      const score = scored!.scores.get(scored!.places.get(line.index) - 1);
      return { kind, message: `Its score of ${score.toFixed(3)} was not among the best when noise was added.` };
    }
    const found =
      step === 'semantic'
        ? joinedReason(scored!.sides, label.id, this.joined, this.request.settings)
        : filter.judge(label).reason;
    return found ?? { kind, message: 'What is known of it gives no positive score.' };
  }

  finish(): void {
    for (const file of [this.deleted, this.kept, this.demo, this.lines]) file.finish();
  }

  /** Removes what was not finished. */
  abandon(): void {
    for (const file of [this.deleted, this.kept, this.demo, this.lines]) file.abandon();
  }
}

/** A run's line without the tokens that its stage spent: they are counted there. */
function withoutUsage(bytes: Buffer): Buffer {
  const end = bytes.toString('latin1', Math.max(0, bytes.length - 160));
  const usage = /,"usage":\{[^{}]*\}\}$/.exec(end);
  if (!usage) return bytes;
  return Buffer.concat([bytes.subarray(0, bytes.length - usage[0].length), Buffer.from('}')]);
}

function resultLine(id: string, fields: JsonObject): string {
  const { id: _, utt_id: __, ...rest } = fields;
  return JSON.stringify({ id, result: { id, ...rest } });
}
