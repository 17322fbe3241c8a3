/** Checks what may be picked, and with which probability, against reference data. */
import { allowedIds, type BagpiperConfig, type IdRange } from '../model/index.js';
import { type ParityLine, ParityReport } from '../model/parity-lines.js';
import { distribution } from './sample.js';

/** The reference gives seven digits. */
const PROBABILITY_TOLERANCE = 1e-6;

type Ranges = [number, number][];

/** Which ids each stream may take, as `allowed_ids` of `generation.json` says it. Absent: no line. */
export function checkMasks(allowed: unknown, config: BagpiperConfig): ParityLine[] {
  if (allowed === undefined) return [];
  const { choosing_the_modality, text, audio } = allowed as Record<string, Record<string, unknown>>;
  const report = new ParityReport('generation/allowed_ids.');
  const check = (name: string, actual: readonly IdRange[], expected: unknown): void => {
    if (expected === undefined) return;
    report.exact(name, members(pairs(actual)), members(expected as Ranges));
  };
  const others = (name: string, actual: readonly IdRange[][], said: Record<string, unknown>): void => {
    const key = Object.keys(said).find((field) => field.startsWith('streams_'));
    if (key === undefined) return;
    const each = actual.slice(1);
    report.exact(
      `${name}.${key}`,
      each.flatMap((ranges) => members(pairs(ranges))),
      each.flatMap(() => members(said[key] as Ranges)),
    );
  };
  /** With the end tokens allowed, and without. */
  const late = (phase: 'text' | 'audio') => allowedIds(config, phase, 1, 1);
  const early = (phase: 'text' | 'audio') => allowedIds(config, phase, 0, 1);

  const modality = allowedIds(config, 'modality');
  check('modality.stream_0', modality[0], choosing_the_modality.stream_0);
  others('modality', modality, choosing_the_modality);
  const always = text.stream_0_always as Ranges;
  check('text.stream_0_always', early('text')[0], always);
  check('text.stream_0_from_min_step', late('text')[0], [...always, ...(text.stream_0_from_min_step as Ranges)]);
  others('text', late('text'), text);
  const streams = audio.always as Record<string, Ranges>;
  early('audio').forEach((ranges, n) => {
    check(`audio.stream_${n}`, ranges, streams[`stream_${n}`]);
  });
  const ends = audio.stream_0_from_min_step as Ranges;
  late('audio').forEach((ranges, n) => {
    const own = streams[`stream_${n}`];
    check(`audio.stream_${n}_from_min_step`, ranges, n === 0 ? [...own, ...ends] : own);
  });
  return report.lines;
}

const pairs = (ranges: readonly IdRange[]): Ranges => ranges.map(({ start, end }) => [start, end]);

/** The ids that ranges hold, in order. */
function members(ranges: Ranges): number[] {
  const ids = ranges.flatMap(([start, end]) => Array.from({ length: end - start }, (_, i) => start + i));
  return [...new Set(ids)].sort((a, b) => a - b);
}

interface Draw {
  logits: (number | null)[];
  topk: number;
  temperature: number;
  ids: number[];
  probabilities: number[];
}

/** Probabilities of a draw, as `sampling_distribution` of `generation.json` gives them. Absent: no line. */
export function checkDistributions(draws: unknown): ParityLine[] {
  if (draws === undefined) return [];
  const report = new ParityReport('generation/sampling_distribution.');
  for (const [index, { logits, topk, temperature, ids, probabilities }] of (draws as Draw[]).entries()) {
    const scores = logits.map((value) => value ?? Number.NEGATIVE_INFINITY);
    const found = distribution(scores, { topk, temperature });
    // Which of the impossible ids come along does not matter.
    const possible = <T>(list: readonly T[], chances: readonly number[]) => list.filter((_, i) => chances[i] > 0);
    report.exact(`${index}.ids`, possible(found.ids, found.probabilities), possible(ids, probabilities));
    const chances = [found.probabilities, probabilities].map((list) => possible(list, list));
    report.numbers(`${index}.probabilities`, chances[0], chances[1], PROBABILITY_TOLERANCE);
  }
  return report.lines;
}
