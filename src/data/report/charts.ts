/** Bars as SVG that takes its colours from the page, so that it reads in light and in dark. Each bar tells its number when pointed at. */
import { fixed, grouped, type Html, html, short, ticks } from '../../page/index.js';

/** Values that fell into a bucket. */
export interface Bucket {
  from: number;
  count: number;
}

export interface Histogram {
  /** width of a bucket */
  width: number;
  buckets: readonly Bucket[];
  /** what is measured, as in "seconds" */
  unit: string;
}

const SIZE = { width: 340, height: 170, left: 6, right: 6, top: 18, bottom: 34 };

/** Upright bars over a scale of values. */
export function histogram({ width, buckets, unit }: Histogram): Html {
  if (buckets.length === 0) return html`<p class="none">nothing yet</p>`;
  const first = Math.min(...buckets.map(({ from }) => from));
  const last = Math.max(...buckets.map(({ from }) => from)) + width;
  const most = Math.max(...buckets.map(({ count }) => count));
  const plot = { width: SIZE.width - SIZE.left - SIZE.right, height: SIZE.height - SIZE.top - SIZE.bottom };
  const x = (value: number): number => SIZE.left + ((value - first) / (last - first)) * plot.width;
  const base = SIZE.top + plot.height;
  const bars = buckets.map(({ from, count }) => {
    // What is there is seen, be it ever so little.
    const height = Math.max(1, (count / most) * plot.height);
    const gap = Math.min(1, (x(from + width) - x(from)) / 4);
    return html`<rect class="bar" x="${fixed(x(from) + gap / 2)}" y="${fixed(base - height)}" width="${fixed(x(from + width) - x(from) - gap)}" height="${fixed(height)}"><title>${short(from)} to ${short(from + width)} ${unit}: ${grouped(count)}</title></rect>`;
  });
  const marks = ticks(first, last, 6).map(
    (value) =>
      html`<line class="axis" x1="${fixed(x(value))}" y1="${base}" x2="${fixed(x(value))}" y2="${base + 4}"/><text x="${fixed(x(value))}" y="${base + 16}" text-anchor="${anchor(x(value))}">${short(value)}</text>`,
  );
  return html`<svg class="chart" viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="histogram, ${unit}"><text x="${SIZE.left}" y="11">most: ${grouped(most)}</text>${bars}<line class="axis" x1="${SIZE.left}" y1="${base}" x2="${SIZE.width - SIZE.right}" y2="${base}"/>${marks}<text x="${SIZE.width / 2}" y="${SIZE.height - 2}" text-anchor="middle" class="unit">${unit}</text></svg>`;
}

function anchor(x: number): string {
  if (x < SIZE.left + 12) return 'start';
  return x > SIZE.width - SIZE.right - 12 ? 'end' : 'middle';
}

export interface Bar {
  name: string;
  count: number;
  /** default: the count */
  text?: string;
  /** 0 is the page's first colour, 1 its second */
  colour?: number;
}

/** Lying bars with their names, as rows of a table. @param most the count of a full bar; default: the largest */
export function bars(rows: readonly Bar[], most = Math.max(0, ...rows.map(({ count }) => count))): Html {
  if (rows.length === 0) return html`<p class="none">none</p>`;
  const lines = rows.map(({ name, count, text = grouped(count), colour = 0 }) => {
    const part = most > 0 ? Math.max(count > 0 ? 0.3 : 0, (100 * count) / most) : 0;
    return html`<tr><th scope="row" title="${name}">${name}</th><td class="number">${text}</td><td class="lane"><svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="bar c${colour}" width="${fixed(part)}" height="10"/></svg></td></tr>`;
  });
  return html`<table class="bars">${lines}</table>`;
}
