/** The rows of the table, and how they look. */

import { Random } from '../../random.js';
import { addErrors, differences, type WordErrors } from '../../text/index.js';
import type { Interval, Part } from '../metrics/statistics.js';
import { bootstrap, mean, ratioOf, wilson } from '../metrics/statistics.js';

export type Unit = '%' | 'dB' | 's' | 'kb/s' | '';

/** One measure. Shares are from 0 to 1 here and in percent on paper. */
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
  /** what the value must reach */
  floor?: number;
  note?: string;
}

type More = Pick<Row, 'floor' | 'note'>;

/** A share of things that are right, with Wilson's interval. */
export function share(part: string, measure: string, right: readonly boolean[], of: string, more: More = {}): Row {
  const hits = right.filter(Boolean).length;
  const total = right.length;
  if (total === 0) return missing(part, measure, `there are no ${of}`);
  const interval = wilson(hits, total);
  return { part, measure, value: hits / total, unit: '%', interval, of: `${total} ${of}`, ...more };
}

/** A ratio of sums over clips, with a bootstrap interval. */
export function ratio(part: string, measure: string, parts: readonly Part[], of: string, more: More = {}): Row {
  const value = ratioOf(parts);
  if (Number.isNaN(value)) return missing(part, measure, `there are no ${of}`);
  const interval = bootstrap(parts, new Random(`${part}/${measure}`));
  return { part, measure, value, unit: '%', interval, of: `${parts.length} ${of}`, ...more };
}

/** Word error rate over clips. */
export function wordErrorRow(part: string, measure: string, errors: readonly WordErrors[], note = ''): Row {
  const { reference, substitutions, insertions, deletions } = addErrors(errors);
  const counts = `${substitutions} substituted, ${insertions} inserted, ${deletions} deleted of ${reference} words`;
  return ratio(
    part,
    measure,
    errors.map((e) => [differences(e), e.reference]),
    'clips',
    { note: note === '' ? counts : `${counts}; ${note}` },
  );
}

/** A mean of numbers. */
export function average(
  part: string,
  measure: string,
  values: readonly number[],
  unit: Unit,
  of: string,
  more: More = {},
): Row {
  const real = values.filter(Number.isFinite);
  if (real.length === 0) return missing(part, measure, `there are no ${of}`);
  return { part, measure, value: mean(real), unit, of: `${real.length} ${of}`, ...more };
}

export function missing(part: string, measure: string, why: string): Row {
  return { part, measure, value: null, unit: '', note: `not measured (${why})` };
}

/** A share as text: "93.3 %". */
export function percent(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

function valueText({ value, unit }: Row): string {
  if (value === null) return '';
  if (unit === '%') return percent(value);
  return `${value.toFixed(value !== 0 && Math.abs(value) < 1 ? 3 : 2)}${unit === '' ? '' : ` ${unit}`}`;
}

function noteText({ floor, value, note }: Row): string {
  const verdict =
    floor === undefined || value === null ? [] : [`floor ${percent(floor)}: ${value >= floor ? 'reached' : 'missed'}`];
  return [...verdict, ...(note ? [note] : [])].join('; ');
}

/** One Markdown table. */
export function markdown(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const interval = row.interval ? `${percent(row.interval[0])} to ${percent(row.interval[1])}` : '';
    return `| ${[row.part, row.measure, valueText(row), interval, row.of ?? '', noteText(row)].join(' | ')} |`;
  });
  return ['| part | measure | value | 95 % | of | notes |', '| --- | --- | ---: | --- | --- | --- |', ...lines].join(
    '\n',
  );
}
