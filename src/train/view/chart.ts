/** Curves as SVG that takes its colours from the page: losses of steps pale, their mean strong, held-out losses as dots. */
import { fixed, grouped, type Html, html, short, ticks } from '../../page/index.js';
import { type Curves, curvesOf, type Point } from '../curves.js';
import type { LogLine } from '../log.js';

const SIZE = { width: 520, height: 240, left: 44, right: 10, top: 10, bottom: 26 };
/** Points of a line. */
const POINTS = 300;
/** Strips that tell their numbers when pointed at. */
const STRIPS = 60;

/** A stage's losses over its steps. */
export function lossChart(lines: readonly LogLine[]): Html {
  const curves = curvesOf(lines, POINTS);
  if (curves.raw.length === 0 || !Number.isFinite(curves.low + curves.high)) {
    return html`<p class="none">No step yet.</p>`;
  }
  const axes = axesOf(curves);
  const { x, y, marks } = axes;
  const path = (points: readonly Point[]): string =>
    points.map(({ step, loss }, i) => `${i === 0 ? 'M' : 'L'}${fixed(x(step))} ${fixed(y(loss))}`).join('');
  const bottom = SIZE.height - SIZE.bottom;
  const right = SIZE.width - SIZE.right;
  return html`<svg class="chart" viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-label="loss over steps, last ${short(curves.mean[curves.mean.length - 1].loss)}">${marks.map(
    (value) =>
      html`<line class="axis" x1="${SIZE.left}" y1="${fixed(y(value))}" x2="${right}" y2="${fixed(y(value))}"/><text x="${SIZE.left - 6}" y="${fixed(y(value) + 4)}" text-anchor="end">${mark(value)}</text>`,
  )}${axes.steps.map(
    (step) =>
      html`<text x="${fixed(x(step))}" y="${bottom + 17}" text-anchor="${anchor(x(step))}">${grouped(step)}</text>`,
  )}<path class="raw" d="${path(curves.raw)}"/><path class="mean" d="${path(curves.mean)}"/>${
    curves.held.length > 0 && html`<path class="held" d="${path(curves.held)}"/>`
  }${curves.held.map(({ step, loss }) => html`<circle class="dot" cx="${fixed(x(step))}" cy="${fixed(y(loss))}" r="2.5"/>`)}${strips(curves, x)}</svg>`;
}

interface Axes {
  x: (step: number) => number;
  y: (loss: number) => number;
  marks: number[];
  steps: number[];
}

function axesOf({ raw, held, low, high, log }: Curves): Axes {
  const last = Math.max(raw[raw.length - 1].step, held.at(-1)?.step ?? 0);
  const first = Math.min(raw[0].step, held[0]?.step ?? Number.POSITIVE_INFINITY);
  const [bottom, top] = log ? [low * 0.95, high * 1.05] : padded(low, high);
  const scale = log ? Math.log : (value: number): number => value;
  const plot = { width: SIZE.width - SIZE.left - SIZE.right, height: SIZE.height - SIZE.top - SIZE.bottom };
  return {
    x: (step) => SIZE.left + (last > first ? (step - first) / (last - first) : 0.5) * plot.width,
    y: (loss) => SIZE.top + (1 - (scale(loss) - scale(bottom)) / (scale(top) - scale(bottom))) * plot.height,
    marks: log ? logMarks(bottom, top) : ticks(bottom, top, 5),
    steps: last > first ? ticks(first, last, 5).filter(Number.isInteger) : [first],
  };
}

function padded(low: number, high: number): [number, number] {
  const pad = high > low ? 0.05 * (high - low) : Math.max(1e-6, 0.05 * Math.abs(high));
  return [low - pad, high + pad];
}

/** 1, 2 and 5 of each power of ten, or powers alone where those are many. */
function logMarks(low: number, high: number): number[] {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const factors = to - from > 3 ? [1] : [1, 2, 5];
  const powers = Array.from({ length: to - from + 1 }, (_, i) => from + i);
  return powers.flatMap((power) => factors.map((factor) => factor * 10 ** power)).filter((v) => v >= low && v <= high);
}

/** Columns over the picture: step, loss and the held-out loss nearest before it. */
function strips({ mean, held }: Curves, x: (step: number) => number): Html[] {
  const count = Math.min(STRIPS, mean.length);
  const width = (SIZE.width - SIZE.left - SIZE.right) / count;
  return Array.from({ length: count }, (_, i) => {
    const { step, loss } = mean[Math.round((i * (mean.length - 1)) / Math.max(1, count - 1))];
    const before = held.filter((point) => point.step <= step).at(-1);
    const words = `step ${grouped(step)}: loss ${short(loss)}${before ? `, held out ${short(before.loss)} (step ${grouped(before.step)})` : ''}`;
    return html`<rect class="strip" x="${fixed(x(step) - width / 2)}" y="${SIZE.top}" width="${fixed(width)}" height="${SIZE.height - SIZE.top - SIZE.bottom}"><title>${words}</title></rect>`;
  });
}

const mark = (value: number): string => Number(value.toPrecision(6)).toString();

function anchor(x: number): string {
  return x > SIZE.width - SIZE.right - 16 ? 'end' : 'middle';
}
