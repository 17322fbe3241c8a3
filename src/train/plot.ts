/**
 * A run's losses as an SVG picture, drawn by Vega-Lite. Its packages are development dependencies, loaded when a plot is
 * asked for: training neither needs them nor stops where they are missing.
 */
import { readFileSync } from 'node:fs';
import type { TopLevelSpec } from 'vega-lite';
import { BagpiperError, messageOf } from '../errors.js';
import { writeAtomically } from '../files.js';
import { curvesOf } from './curves.js';
import { type LogLine, parseLog } from './log.js';

/** What is used of Vega-Lite's scale definitions. */
type Scale = { type: 'log'; domain: number[]; nice: boolean } | { zero: boolean };

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

/**
 * Draws the log at one path to another. A picture that cannot be made is said once; the run is worth more.
 *
 * @param warn hears why there is none; default: a line on stderr
 */
export async function writePlot(
  logPath: string,
  svgPath: string,
  title: string,
  warn: (text: string) => void = (text) => process.stderr.write(`${text}\n`),
): Promise<void> {
  try {
    const svg = await plotLog(readFileSync(logPath, 'utf8'), title);
    writeAtomically(svgPath, svg);
  } catch (error) {
    if (!warned) warn(`No loss plot: ${messageOf(error)}`);
    warned = true;
  }
}

let warned = false;

function lossSpec(lines: readonly LogLine[], title: string): TopLevelSpec {
  const curves = curvesOf(lines);
  const { low, high } = curves;
  const scale: Scale = curves.log ? { type: 'log', domain: [0.9 * low, 1.1 * high], nice: false } : { zero: false };
  const [raw, mean, held] = [curves.raw, curves.mean, curves.held].map((line, i) =>
    line.map((point) => ({ ...point, series: i < 2 ? 'training' : 'held out' })),
  );
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
