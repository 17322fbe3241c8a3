/** Numbers as people read them, and marks on axes. */

/** Round numbers from `first` to `last`, about so many. */
export function ticks(first: number, last: number, about: number): number[] {
  const rough = (last - first) / about;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999) ?? 10 * power;
  const list: number[] = [];
  for (let i = Math.ceil(first / step - 1e-9); i * step <= last + step * 1e-9; i++) list.push(i * step + 0);
  return list;
}

/** `12,345`. */
export const grouped = (count: number): string => count.toLocaleString('en-US');

/** At most three decimals. */
export const short = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 3 });

/** A coordinate of a picture: two decimals at most. */
export const fixed = (value: number): string => Number(value.toFixed(2)).toString();
