import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/random.js';
import { alignedLoss, NO_TARGET } from '../../../src/train/nano/aligned.js';

const CLASSES = 4;
const random = new Random('aligned');
const TARGETS = Int32Array.of(2, NO_TARGET, 0, 3, 0, 1);
const LOGITS = Float32Array.from({ length: TARGETS.length * CLASSES }, () => 2 * random.normal());

/** The same in 64 bits. */
function plain(logits: ArrayLike<number>): number {
  let loss = 0;
  TARGETS.forEach((target, t) => {
    if (target === NO_TARGET) return;
    const row = Array.from({ length: CLASSES }, (_, k) => Math.exp(logits[t * CLASSES + k]));
    const share = row[target] / row.reduce((a, b) => a + b, 0);
    loss -= (target === 0 ? 0.1 : 1) * Math.log(share);
  });
  return loss;
}

describe('alignedLoss', () => {
  it('is the cross-entropy of the targets, silence at a tenth', () => {
    const { loss, count } = alignedLoss(LOGITS, TARGETS, CLASSES);
    expect(loss).toBeCloseTo(plain(LOGITS), 6);
    expect(count).toBeCloseTo(3.2, 12);
    const flat = alignedLoss(new Float32Array(LOGITS.length), TARGETS, CLASSES);
    expect(flat.loss / flat.count).toBeCloseTo(Math.log(CLASSES), 12);
  });

  it('has the gradient of finite differences, none without a target', () => {
    const { grad } = alignedLoss(LOGITS, TARGETS, CLASSES);
    const h = 1e-5;
    const expected = Array.from(LOGITS, (_, i) => {
      const at = (step: number) => plain(Float64Array.from(LOGITS, (x, j) => (i === j ? x + step : x)));
      return (at(h) - at(-h)) / (2 * h);
    });
    for (let i = 0; i < grad.length; i++) expect(grad[i]).toBeCloseTo(expected[i], 6);
    expect(grad.subarray(CLASSES, 2 * CLASSES)).toEqual(new Float32Array(CLASSES));
  });

  it('stays finite for large scores and is nothing where nothing is asked', () => {
    const large = alignedLoss(
      LOGITS.map((x) => 1000 * x),
      TARGETS,
      CLASSES,
    );
    expect(Number.isFinite(large.loss)).toBe(true);
    expect(large.grad.every(Number.isFinite)).toBe(true);
    const none = alignedLoss(LOGITS, new Int32Array(TARGETS.length).fill(NO_TARGET), CLASSES);
    expect([none.loss, none.count, none.grad.some((g) => g !== 0)]).toEqual([0, 0, false]);
  });
});
