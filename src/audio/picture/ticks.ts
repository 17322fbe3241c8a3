/** A mark on an axis. */
export interface Tick {
  /** in the axis' unit */
  value: number;
  label: string;
}

/** Marks at whole multiples of 1, 2 or 5 times a power of ten from `from` to `to`, at most `most` of them. */
export function evenTicks(from: number, to: number, most: number, label: (value: number) => string): Tick[] {
  const room = (to - from) / Math.max(1, most - 1);
  if (!(room > 0)) return [{ value: from, label: label(from) }];
  const power = 10 ** Math.floor(Math.log10(room));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= room * (1 - 1e-9)) ?? 10 * power;
  const ticks: Tick[] = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + step * 1e-9; i++) {
    // Rounding to 12 digits takes 0.30000000000000004 back to 0.3.
    const value = Number((i * step).toPrecision(12));
    ticks.push({ value, label: label(value) });
  }
  return ticks;
}

/** Frequencies that are good to name on a bent axis, the most useful first, in hertz. */
export function roundFrequencies(top: number): number[] {
  const powers = [1000, 100, 10_000, 10, 100_000, 1_000_000, 10_000_000, 100_000_000];
  const found = [0, ...[1, 2, 5, 3, 4, 8, 6].flatMap((m) => powers.map((power) => m * power))];
  return found.filter((hz) => hz <= top);
}

export function hertzLabel(hz: number): string {
  return hz < 1000 ? `${hz} Hz` : `${Number((hz / 1000).toPrecision(6))} kHz`;
}

/** Seconds without an exponent, whatever their size. */
export function secondsLabel(seconds: number): string {
  if (seconds >= 1e-6 || seconds === 0) return `${seconds} s`;
  return `${seconds.toFixed(12).replace(/0+$/, '')} s`;
}
