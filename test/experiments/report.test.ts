import { describe, expect, it } from 'vitest';
import { drawSvg, scalingCurves } from '../../experiments/curves.js';
import { GUIDANCE_SCALES, guidanceId, pretrainId } from '../../experiments/plan.js';
import { reportText } from '../../experiments/report.js';
import type { Result } from '../../experiments/results.js';
import { scalingReport } from '../../experiments/scaling-report.js';

const machine = { cpu: 'a processor', cores: 2, node: '20', onnxRuntime: '1', threads: 2, load: 0 };

function result(id: string, seed: number, measures: Result['measures'], flops = 1e12): Result {
  const compute = { steps: 10, flops, readTokens: 9, scoredTokens: 8, samples: 7 };
  const about = { experiments: [], settings: {}, commit: 'abc', machine, seconds: 1, firstStep: 0 };
  return { id, seed, measures, compute, curve: [], ...about };
}

const seeds = [1, 2, 3];

/** Losses of 0.5 + 2 (C / 1e12)^-0.3 for text, and 1 more for sound; the middle size is off the frontier. */
const scaled = seeds.flatMap((seed) =>
  [1e12, 4e12, 16e12, 64e12].flatMap((flops, i) => {
    const loss = 0.5 + 2 * (flops / 1e12) ** -0.3;
    const losses = (worse: number) => ({
      'held-out loss: caption': loss + worse,
      'held-out loss: sound': loss + 1 + worse,
    });
    return [
      result(`scaling-small-${10 * 4 ** i}steps-seed${seed}`, seed, losses(0), flops),
      result(`scaling-middle-${4 ** i}steps-seed${seed}`, seed, losses(1), flops),
    ];
  }),
);
const byId = (results: readonly Result[]) => new Map(results.map((r) => [r.id, r]));

describe('scalingReport', () => {
  const reference = result('reference', 0, { 'held-out loss: caption': 0.4, 'held-out loss: sound': 2 });
  const { markdown, cells, fit } = scalingReport(byId([reference, ...scaled]))!;

  it('puts the seeds of a size and length together and fits the best of them', () => {
    expect(cells.length).toBe(8);
    expect(fit!.exponent).toBeCloseTo(0.3, 3);
    expect(fit!.floor).toBeCloseTo(1, 3);
    expect(markdown).toMatch(
      /\| small \| 10 \| 1\.0e12 \| 2\.500 ± 0\.000 \| 3\.500 ± 0\.000 \| 3\.000 ± 0\.000 \| 3 \|/,
    );
    expect(markdown).toMatch(/captions.*over 4 points, E 0\.500/);
  });

  it('says what a loss would take, and that one below the floor takes more than any', () => {
    // Captions end at 0.5 + 2 * 64^-0.3; 10 % less is C = 1e12 (2 / (0.9 * that - 0.5))^(1 / 0.3).
    const target = 0.9 * (0.5 + 2 * 64 ** -0.3);
    const flops = 1e12 * (2 / (target - 0.5)) ** (1 / 0.3);
    const text = flops.toExponential(1).replace('e+', 'e');
    expect(markdown).toContain(`| 10 % below the best measured | ${target.toFixed(3)} | ${text}`);
    expect(markdown).toContain('| of the shipped language model | 0.400 | no compute suffices');
  });

  it('draws them', async () => {
    expect(await drawSvg(scalingCurves(cells, fit))).toMatch(/^<svg/);
  });
});

describe('reportText', () => {
  it('tells an effect from noise, and which arm it favours', () => {
    const results = seeds.flatMap((seed) => [
      result(pretrainId('cold', seed), seed, { 'held-out loss: caption': seed, 'caption: event F1': 0.1 * seed }),
      result(pretrainId('both', seed), seed, {
        'held-out loss: caption': seed - 0.5 + 0.01 * seed,
        'caption: event F1': 0.4 - 0.1 * seed,
      }),
    ]);
    const { markdown } = reportText(results, 'pictures');
    expect(markdown).toMatch(/\| held-out captions, nats a token \| 2\.000 ± 1\.000 .*\| better: with \|/);
    expect(markdown).toMatch(/\| caption: event F1 \| 20\.0 % ± 10\.0 % .*\| within noise \|/);
    expect(markdown).toContain('seeds 1, 2, 3');
    // The other arms of these runs are not there.
    expect(markdown).toMatch(/### Both ways together\n\nNot run yet/);
  });

  it('lists guidance scales, marking what differs from none', () => {
    const results = seeds.flatMap((seed) =>
      GUIDANCE_SCALES.map((scale) => {
        const kinds = scale === 3 ? 0.8 + 0.01 * seed : 0.4 + 0.01 * seed;
        return result(guidanceId(scale, seed), seed, { kinds, WER: null });
      }),
    );
    const lines = reportText(results, 'pictures').markdown.split('\n');
    expect(lines.find((line) => line.startsWith('| 3 |'))).toMatch(
      /^\| 3 \| 82\.0 % ± 1\.0 % \(\*\*\+40\.0 %\*\*\) \|/,
    );
    expect(lines.find((line) => line.startsWith('| 5 |'))).toMatch(/^\| 5 \| 42\.0 % ± 1\.0 % \|/);
  });
});
