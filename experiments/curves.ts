/** The experiments' pictures, drawn by Vega-Lite as train/plot.ts does. */
import type { TopLevelSpec } from 'vega-lite';
import { BagpiperError, messageOf } from '../src/errors.js';
import { mean } from '../src/evaluate/metrics/statistics.js';
import type { Arm } from './comparisons.js';
import { lossAt, type PowerLaw } from './power-law.js';
import type { Result } from './results.js';
import { type Cell, cellPoints } from './scaling-report.js';

/** Draws a picture. @throws BagpiperError where `vega` and `vega-lite` are not installed */
export async function drawSvg(spec: TopLevelSpec): Promise<string> {
  const [vega, lite] = await Promise.all([import('vega'), import('vega-lite')]).catch((error) => {
    throw new BagpiperError(
      `The pictures need the packages vega and vega-lite, which could not be loaded (${messageOf(error)}). Install them with "npm install".`,
    );
  });
  const compiled = lite.compile({ background: 'white', config: { font: 'sans-serif' }, ...spec } as TopLevelSpec).spec;
  const view = new vega.View(vega.parse(compiled), { renderer: 'none', logLevel: vega.Error });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

interface CurveValue {
  arm: string;
  kind: string;
  step: number;
  loss: number;
  seed: number;
}

/** Held-out losses over steps, one picture a kind of sample: seeds pale, their mean strong. Undefined without curves. */
export function lossCurves(arms: readonly Arm[], results: ReadonlyMap<string, Result>): TopLevelSpec | undefined {
  const values: CurveValue[] = [];
  for (const { id, seed, curve } of results.values()) {
    const arm = arms.find((a) => a.id(seed) === id);
    for (const { step, losses } of (arm && curve) ?? []) {
      for (const [kind, loss] of Object.entries(losses)) values.push({ arm: arm!.label, kind, step, loss, seed });
    }
  }
  if (values.length === 0) return undefined;
  const x = { field: 'step', type: 'quantitative', title: 'step' } as const;
  const color = { field: 'arm', type: 'nominal', legend: { title: null, orient: 'bottom' } } as const;
  const y = { field: 'loss', type: 'quantitative', title: 'held-out loss', scale: { zero: false } } as const;
  const middle = { aggregate: 'mean', ...y } as const;
  return {
    data: { values },
    facet: { column: { field: 'kind', type: 'nominal', title: null } },
    resolve: { scale: { y: 'independent' } },
    spec: {
      width: 320,
      height: 240,
      layer: [
        { mark: { type: 'line', opacity: 0.3, strokeWidth: 1 }, encoding: { x, y, color, detail: { field: 'seed' } } },
        { mark: { type: 'line', strokeWidth: 2, point: true }, encoding: { x, y: middle, color } },
      ],
    },
  };
}

/** Measures from 0 to 1 over the guidance scale: mean over seeds, and each seed. */
export function guidanceCurves(
  values: readonly { scale: number; measure: string; value: number; seed: number }[],
): TopLevelSpec {
  const x = { field: 'scale', type: 'quantitative', title: 'guidance scale' } as const;
  const y = { field: 'value', type: 'quantitative', title: 'share' } as const;
  const color = { field: 'measure', type: 'nominal', legend: { title: null } } as const;
  return {
    data: { values: [...values] },
    width: 480,
    height: 280,
    layer: [
      { mark: { type: 'point', opacity: 0.5 }, encoding: { x, y, color } },
      { mark: { type: 'line', strokeWidth: 2 }, encoding: { x, y: { aggregate: 'mean', ...y }, color } },
    ],
  };
}

/** Points of the fitted line. */
const LINE = 60;

/** Loss against compute, both axes logarithmic: means over seeds by size, and the fitted power law. */
export function scalingCurves(cells: readonly Cell[], fit: PowerLaw | undefined): TopLevelSpec {
  const points = cells.map((cell) => ({ size: cell.size, flops: cell.flops, loss: mean(cell.both) }));
  const computes = cellPoints(cells, 'both').map(({ compute }) => compute);
  const [low, high] = [Math.min(...computes), 4 * Math.max(...computes)];
  const line = Array.from({ length: fit ? LINE : 0 }, (_, i) => {
    const flops = low * (high / low) ** (i / (LINE - 1));
    return { flops, loss: lossAt(fit!, flops) };
  });
  const losses = [...points, ...line].map(({ loss }) => loss);
  const domain = [0.97 * Math.min(...losses), 1.03 * Math.max(...losses)];
  const x = {
    field: 'flops',
    type: 'quantitative',
    title: 'FLOPs',
    scale: { type: 'log' },
    axis: { format: '.0e' },
  } as const;
  const y = {
    field: 'loss',
    type: 'quantitative',
    title: 'held-out loss, mean of captions and codes',
    scale: { type: 'log', domain, nice: false },
    axis: { tickCount: 8, format: '~g' },
  } as const;
  const color = { field: 'size', type: 'nominal', sort: null, legend: { title: 'size' } } as const;
  return {
    width: 520,
    height: 320,
    layer: [
      { data: { values: points }, mark: { type: 'line', point: true }, encoding: { x, y, color } },
      {
        data: { values: line },
        mark: { type: 'line', strokeDash: [5, 4], color: 'black' },
        encoding: { x, y },
      },
    ],
  };
}
