/** The rows of the tables, their targets, and how they look. */

import { Random } from '../../random.js';
import { addErrors, differences, type WordErrors } from '../../text/index.js';
import type { Interval, Part } from '../metrics/statistics.js';
import { bootstrap, bootstrapOf, mean, ratioOf, wilson } from '../metrics/statistics.js';

/** "points" is a difference of shares; shares and their differences are from 0 to 1 here and in percent on paper. */
export type Unit = '%' | 'points' | 'dB' | 's' | 'kb/s' | '';

/** What a value must reach: at least, at most, or less than this. */
export interface Target {
  is: 'at least' | 'at most' | 'below';
  value: number;
}

export const atLeast = (value: number): Target => ({ is: 'at least', value });
export const atMost = (value: number): Target => ({ is: 'at most', value });
export const below = (value: number): Target => ({ is: 'below', value });

/** One measure. */
export interface Row {
  part: string;
  measure: string;
  /** null: not measured, `note` says why */
  value: number | null;
  unit: Unit;
  /** 95 % interval */
  interval?: Interval;
  /** how many were counted */
  of?: string;
  target?: Target;
  note?: string;
}

export type More = Pick<Row, 'target' | 'note'>;

/** A share of things that are right, with Wilson's interval. */
export function share(part: string, measure: string, right: readonly boolean[], of: string, more: More = {}): Row {
  const hits = right.filter(Boolean).length;
  const total = right.length;
  if (total === 0) return missing(part, measure, `there are no ${of}`, more.target);
  const interval = wilson(hits, total);
  return { part, measure, value: hits / total, unit: '%', interval, of: `${total} ${of}`, ...more };
}

/** A ratio of sums over clips, with a bootstrap interval. */
export function ratio(part: string, measure: string, parts: readonly Part[], of: string, more: More = {}): Row {
  const value = ratioOf(parts);
  if (Number.isNaN(value)) return missing(part, measure, `there are no ${of}`, more.target);
  const interval = bootstrap(parts, new Random(`${part}/${measure}`));
  return { part, measure, value, unit: '%', interval, of: `${parts.length} ${of}`, ...more };
}

/** Any statistic of clips, with a bootstrap interval. */
export function statistic<T>(
  part: string,
  measure: string,
  clips: readonly T[],
  of: string,
  { value, unit, ...more }: More & { value: (clips: readonly T[]) => number; unit: Unit },
): Row {
  const all = value(clips);
  if (!Number.isFinite(all)) return missing(part, measure, `there are no ${of}`, more.target, unit);
  const interval = bootstrapOf(clips, value, new Random(`${part}/${measure}`));
  return { part, measure, value: all, unit, interval, of: `${clips.length} ${of}`, ...more };
}

/** Word error rate over clips. */
export function wordErrorRow(part: string, measure: string, errors: readonly WordErrors[], more: More = {}): Row {
  const { reference, substitutions, insertions, deletions } = addErrors(errors);
  const counts = `${substitutions} substituted, ${insertions} inserted, ${deletions} deleted of ${reference} words`;
  const note = more.note ? `${counts}; ${more.note}` : counts;
  return ratio(part, measure, errors.map(wordPart), 'clips', { ...more, note });
}

/** A clip's part of a word error rate. */
export function wordPart(errors: WordErrors): Part {
  return [differences(errors), errors.reference];
}

/** A mean of numbers, with a bootstrap interval; what is not finite is left out. */
export function average(
  part: string,
  measure: string,
  values: readonly number[],
  unit: Unit,
  of: string,
  more: More = {},
): Row {
  return statistic(part, measure, values.filter(Number.isFinite), of, { value: mean, unit, ...more });
}

/** A row that could not be measured. @param target with its unit a percentage, unless `unit` is another */
export function missing(part: string, measure: string, why: string, target?: Target, unit: Unit = '%'): Row {
  return { part, measure, value: null, unit, ...(target && { target }), note: `not measured (${why})` };
}

/** A share as text: "93.3 %". */
export function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

function numberText(value: number, unit: Unit): string {
  if (unit === '%') return percent(value);
  if (unit === 'points') return `${(100 * value).toFixed(1)} points`;
  return `${value.toFixed(value !== 0 && Math.abs(value) < 1 ? 3 : 2)}${unit === '' ? '' : ` ${unit}`}`;
}

/** Whether a measured row reaches its target; null where there is no target. What is not measured is not met. */
export function isMet({ value, target }: Row): boolean | null {
  if (!target) return null;
  if (value === null) return false;
  if (target.is === 'at least') return value >= target.value;
  return target.is === 'at most' ? value <= target.value : value < target.value;
}

function targetText({ target, unit }: Row): string {
  return target ? `${target.is} ${numberText(target.value, unit)}` : '';
}

function metText(row: Row): string {
  const met = isMet(row);
  if (met === null) return '';
  return row.value === null ? 'not measured' : met ? 'met' : 'missed';
}

/** One Markdown table of rows. */
export function markdown(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const cells = [
      row.part,
      row.measure,
      row.value === null ? '' : numberText(row.value, row.unit),
      row.interval ? row.interval.map((x) => numberText(x, row.unit)).join(' to ') : '',
      row.of ?? '',
      targetText(row),
      metText(row),
      row.note ?? '',
    ];
    return `| ${cells.join(' | ')} |`;
  });
  const head = ['part', 'measure', 'value', '95 %', 'of', 'target', 'met', 'notes'];
  return [`| ${head.join(' | ')} |`, '| --- | --- | ---: | --- | --- | --- | --- | --- |', ...lines].join('\n');
}

/** The rows with targets in a table of their own, how many are met, and the table of all rows. */
export function report(rows: readonly Row[]): string {
  const aimed = rows.filter(({ target }) => target !== undefined);
  const met = aimed.filter((row) => isMet(row)).length;
  return [`Targets: ${met} of ${aimed.length} met.`, '', markdown(aimed), '', 'All measures:', '', markdown(rows)].join(
    '\n',
  );
}
