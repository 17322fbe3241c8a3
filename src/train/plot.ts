/**
 * A run's losses as an SVG picture, drawn by Vega-Lite. Its packages are development dependencies, loaded when a plot is
 * asked for: training neither needs them nor stops where they are missing.
 */
import { readFileSync } from 'node:fs';
import type { TopLevelSpec } from 'vega-lite';
import { BagpiperError, messageOf } from '../errors.js';
import { writeAtomically } from '../weights/index.js';
import { type LogLine, parseLog } from './log.js';

/** What is used of Vega-Lite's scale definitions. */
type Scale = { type: 'log'; domain: number[]; nice: boolean } | { zero: boolean };

interface Point {
  step: number;
  loss: number;
  series: 'training' | 'held out';
}

/** Points of a line: more than the picture's pixels would only make the file large. */
const POINTS = 600;
const HELD_POINTS = 100;
/** Steps that the running mean spans, as a part of the run. */
const SPAN = 1 / 40;
/** From this ratio of the largest to the smallest loss on, a logarithmic axis shows more. */
const WIDE = 4;

/**
 * Draws `loss` (each step pale, a running mean strong) and `held_loss` of a log (log.ts) over steps. The loss axis is
 * logarithmic where losses are positive and spread widely.
 *
 * @param title stands above the picture
 * @returns an SVG document; without any loss in the log, empty axes
 * @throws BagpiperError where `vega` and `vega-lite` are not installed
 */
export async function plotLog(logJsonl: string, title = 'loss'): Promise<string> {
  const [vega, lite] = await Promise.all([import('vega'), import('vega-lite')]).catch((error) => {
    throw new BagpiperError(
      `The plot needs the packages vega and vega-lite, which could not be loaded (${messageOf(error)}). Install them with "npm install vega vega-lite".`,
    );
  });
  const spec = lite.compile(lossSpec(parseLog(logJsonl), title)).spec;
  const view = new vega.View(vega.parse(spec), { renderer: 'none', logLevel: vega.Error });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Draws the log at one path to another. A picture that cannot be made is said once on stderr; the run is worth more. */
export async function writePlot(logPath: string, svgPath: string, title: string): Promise<void> {
  try {
    const svg = await plotLog(readFileSync(logPath, 'utf8'), title);
    writeAtomically(svgPath, (append) => append(new TextEncoder().encode(svg)));
  } catch (error) {
    if (!warned) process.stderr.write(`No loss plot: ${messageOf(error)}\n`);
    warned = true;
  }
}

let warned = false;

function lossSpec(lines: readonly LogLine[], title: string): TopLevelSpec {
  const all = points(lines, 'loss', 'training');
  const mean = thin(runningMean(all), POINTS);
  const held = thin(points(lines, 'held_loss', 'held out'), HELD_POINTS);
  const raw = thin(all, POINTS);
  const shown = [...raw, ...mean, ...held].map((p) => p.loss);
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const wide = low > 0 && high > WIDE * low;
  const scale: Scale = wide ? { type: 'log', domain: [0.9 * low, 1.1 * high], nice: false } : { zero: false };
  const y = {
    field: 'loss',
    type: 'quantitative',
    title: 'loss',
    scale,
    axis: { tickCount: 8, format: '~g' },
  } as const;
  const x = { field: 'step', type: 'quantitative', title: 'step', axis: { format: '~s' } } as const;
  const color = {
    field: 'series',
    type: 'nominal',
    legend: { title: null, symbolOpacity: 1 },
    scale: { domain: ['training', 'held out'], range: ['#4c78a8', '#e45756'] },
  } as const;
  return {
    title,
    width: 640,
    height: 360,
    background: 'white',
    config: { font: 'sans-serif' },
    layer: [
      { data: { values: raw }, mark: { type: 'line', strokeWidth: 1, opacity: 0.3 }, encoding: { x, y, color } },
      { data: { values: mean }, mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y, color } },
      { data: { values: held }, mark: { type: 'line', strokeWidth: 2, point: true }, encoding: { x, y, color } },
    ],
  };
}

function points(lines: readonly LogLine[], field: string, series: Point['series']): Point[] {
  return lines.flatMap((line) => {
    const loss = line[field];
    return typeof loss === 'number' ? [{ step: line.step, loss, series }] : [];
  });
}

/** The mean of each point and those around it. */
function runningMean(line: readonly Point[]): Point[] {
  const reach = Math.floor((line.length * SPAN) / 2);
  const sums = [0];
  for (const { loss } of line) sums.push(sums[sums.length - 1] + loss);
  return line.map((point, i) => {
    const [low, high] = [Math.max(0, i - reach), Math.min(line.length, i + reach + 1)];
    return { ...point, loss: (sums[high] - sums[low]) / (high - low) };
  });
}

/** An even selection of at most `count`, first and last among them. */
function thin(line: readonly Point[], count: number): Point[] {
  if (line.length <= count) return [...line];
  return Array.from({ length: count }, (_, i) => line[Math.round((i * (line.length - 1)) / (count - 1))]);
}
