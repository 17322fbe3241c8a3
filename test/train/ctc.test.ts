import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { ctc, ctcGreedy } from '../../src/train/ctc.js';

const FRAMES = 5;
const CLASSES = 4;

function randomLogits(seed: string, frames = FRAMES): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: frames * CLASSES }, () => random.normal());
}

/** What a path of classes spells: repeats merged, then blanks removed. */
const spelled = (path: readonly number[]): number[] => path.filter((k, t) => k !== 0 && k !== path[t - 1]);

/** Minus the log of the summed probability of all paths that spell the labels. */
function byEnumeration(logits: ArrayLike<number>, frames: number, labels: readonly number[]): number {
  const probability: number[][] = [];
  for (let t = 0; t < frames; t++) {
    const row = Array.from({ length: CLASSES }, (_, k) => Math.exp(logits[t * CLASSES + k]));
    const sum = row.reduce((a, b) => a + b, 0);
    probability.push(row.map((x) => x / sum));
  }
  let total = 0;
  for (let code = 0; code < CLASSES ** frames; code++) {
    const path = Array.from({ length: frames }, (_, t) => Math.floor(code / CLASSES ** t) % CLASSES);
    if (spelled(path).join() === labels.join()) total += path.reduce((p, k, t) => p * probability[t][k], 1);
  }
  return -Math.log(total);
}

describe('ctc', () => {
  it.each([[[]], [[2]], [[1, 2]], [[1, 1]], [[3, 3, 2]], [[1, 2, 1]], [[1, 2, 3, 1]], [[1, 2, 3, 2, 1]]])(
    'sums over all alignments of %j',
    (labels: number[]) => {
      const logits = randomLogits(labels.join());
      expect(ctc(logits, FRAMES, CLASSES, labels).loss).toBeCloseTo(byEnumeration(logits, FRAMES, labels), 6);
    },
  );

  it.each([[[]], [[2, 2]], [[1, 3, 2]]])('has the gradient of that sum for %j', (labels: number[]) => {
    const logits = randomLogits('gradient');
    const { grad } = ctc(logits, FRAMES, CLASSES, labels);
    const h = 1e-4;
    for (let i = 0; i < logits.length; i++) {
      const at = (step: number): number => {
        const moved = Float64Array.from(logits);
        moved[i] += step;
        return byEnumeration(moved, FRAMES, labels);
      };
      expect(grad[i]).toBeCloseTo((at(h) - at(-h)) / (2 * h), 5);
    }
  });

  it('is infinite, with no gradient, where the labels do not fit the frames', () => {
    // Two equal labels need a blank between them: three frames.
    const { loss, grad } = ctc(randomLogits('short', 2), 2, CLASSES, [1, 1]);
    expect(loss).toBe(Number.POSITIVE_INFINITY);
    expect(grad.every((g) => g === 0)).toBe(true);
    expect(ctc(new Float32Array(0), 0, CLASSES, []).loss).toBe(0);
    expect(ctc(new Float32Array(0), 0, CLASSES, [1]).loss).toBe(Number.POSITIVE_INFINITY);
  });

  it('stays finite for long sequences and large scores', () => {
    const frames = 400;
    const logits = randomLogits('long', frames).map((x) => 80 * x);
    const labels = Array.from({ length: 150 }, (_, i) => 1 + (i % 3));
    const { loss, grad } = ctc(logits, frames, CLASSES, labels);
    expect(Number.isFinite(loss)).toBe(true);
    expect(grad.every(Number.isFinite)).toBe(true);
    // Every frame's gradient sums to zero, as that of any function of a softmax.
    const sums = Array.from({ length: frames }, (_, t) =>
      Math.abs(grad.subarray(t * CLASSES, (t + 1) * CLASSES).reduce((a, b) => a + b, 0)),
    );
    expect(Math.max(...sums)).toBeLessThan(1e-5);
  });

  it('decodes greedily', () => {
    const path = [0, 2, 2, 0, 2, 1, 1, 3, 0];
    const logits = new Float32Array(path.length * CLASSES);
    path.forEach((k, t) => {
      logits[t * CLASSES + k] = 1;
    });
    expect(ctcGreedy(logits, path.length, CLASSES)).toEqual([2, 2, 1, 3]);
  });
});
