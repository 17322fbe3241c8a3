/** Picking an id from scores: the largest, or a draw among the top k. */
import type { Random } from '../random.js';

export interface Picking {
  /** 0 takes the largest */
  temperature: number;
  topk: number;
}

/**
 * Picks an index. With a temperature, the `topk` largest scores are kept and drawn from softmax(scores / temperature);
 * minus infinity is never drawn. Ties go to the smaller index.
 */
export function pick(scores: ArrayLike<number>, { temperature, topk }: Picking, random: Random): number {
  if (temperature === 0 || topk === 1) return argmax(scores);
  const kept = topIndices(scores, topk);
  const best = scores[kept[0]];
  const weights = kept.map((i) => Math.exp((scores[i] - best) / temperature));
  let draw = random.next() * weights.reduce((a, b) => a + b, 0);
  for (let i = 0; i < kept.length; i++) {
    draw -= weights[i];
    if (draw < 0) return kept[i];
  }
  return kept[0];
}

/** Probabilities of the kept ids, largest first: what {@link pick} draws from. */
export function distribution(
  scores: ArrayLike<number>,
  { temperature, topk }: Picking,
): { ids: number[]; probabilities: number[] } {
  const ids = topIndices(scores, topk);
  const weights = ids.map((i) => Math.exp((scores[i] - scores[ids[0]]) / temperature));
  const total = weights.reduce((a, b) => a + b, 0);
  return { ids, probabilities: weights.map((w) => w / total) };
}

export function argmax(scores: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i] > scores[best]) best = i;
  return best;
}

/** Indices of the k largest scores, largest first: one pass with a small sorted list. */
function topIndices(scores: ArrayLike<number>, k: number): number[] {
  const kept: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    if (kept.length === k && !(scores[i] > scores[kept[k - 1]])) continue;
    let at = kept.length;
    while (at > 0 && scores[i] > scores[kept[at - 1]]) at--;
    kept.splice(at, 0, i);
    if (kept.length > k) kept.pop();
  }
  return kept;
}
