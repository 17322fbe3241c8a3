/** How far a stage is, in a line. */
import type { Counts, Progress } from '../../data/run/index.js';

/** Such as `label 120/2,000, 3.1 a second, 10 min left, 64 in flight, 4 set aside, failed: timeout 2, cost 1.20`. */
export function progressLine({
  stage,
  done,
  total,
  rate,
  left,
  inFlight,
  counts,
  cost,
  retrying,
  status,
}: Progress): string {
  const failed = kindsOf(counts.errors);
  return [
    `${stage} ${number(done)}${total === undefined ? '' : `/${number(total)}`}`,
    ...(retrying ? ['trying again what failed'] : []),
    ...(rate === undefined ? [] : [`${rate < 10 ? rate.toFixed(1) : number(Math.round(rate))} a second`]),
    ...(left === undefined ? [] : [`${timeText(left)} left`]),
    `${inFlight} in flight`,
    ...(sumOf(counts.aside) > 0 ? [`${number(sumOf(counts.aside))} set aside`] : []),
    ...(failed === '' ? [] : [`failed: ${failed}`]),
    ...(cost === undefined ? [] : [`cost ${cost.toFixed(2)}`]),
    ...(status ? [status] : []),
  ].join(', ');
}

/** Such as `label: 1,200 done; set aside: empty 2; failed: timeout 3`. */
export function countsLine(stage: string, { results, aside, errors }: Counts): string {
  const parts = [`${stage}: ${number(results)}`];
  if (sumOf(aside) > 0) parts.push(`set aside: ${kindsOf(aside)}`);
  if (sumOf(errors) > 0) parts.push(`failed: ${kindsOf(errors)}`);
  return parts.join('; ');
}

/** Kinds and how many, the most frequent first. */
export function kindsOf(table: Readonly<Record<string, number>>): string {
  const kinds = Object.entries(table).sort(([, a], [, b]) => b - a);
  return kinds.map(([kind, count]) => `${kind} ${number(count)}`).join(', ');
}

export function sumOf(table: Readonly<Record<string, number>>): number {
  return Object.values(table).reduce((sum, count) => sum + count, 0);
}

export function number(value: number): string {
  return value.toLocaleString('en-US');
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.ceil(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
