/**
 * Connectionist temporal classification (Graves et al. 2006): the loss of a label sequence under per-frame scores, summed
 * over all alignments, and its gradient. In logarithms throughout.
 */
export interface CtcResult {
  /** minus the log-probability of the labels; Infinity where there are more labels than frames allow */
  loss: number;
  /** gradient with respect to the logits [frames, classes]; zero where the loss is infinite */
  grad: Float32Array;
}

const NONE = Number.NEGATIVE_INFINITY;

function logAdd(a: number, b: number): number {
  if (a === NONE) return b;
  if (b === NONE) return a;
  return a > b ? a + Math.log1p(Math.exp(b - a)) : b + Math.log1p(Math.exp(a - b));
}

/** Row-wise log-softmax of logits [frames, classes]. */
function logProbabilities(logits: Float32Array, frames: number, classes: number): Float64Array {
  const out = new Float64Array(frames * classes);
  for (let t = 0; t < frames; t++) {
    const row = logits.subarray(t * classes, (t + 1) * classes);
    let top = NONE;
    for (const x of row) if (x > top) top = x;
    let total = 0;
    for (const x of row) total += Math.exp(x - top);
    const log = top + Math.log(total);
    for (let k = 0; k < classes; k++) out[t * classes + k] = row[k] - log;
  }
  return out;
}

/**
 * @param logits scores [frames, classes]; class 0 is the blank
 * @param labels classes 1 and up, in order
 */
export function ctc(logits: Float32Array, frames: number, classes: number, labels: readonly number[]): CtcResult {
  if (frames === 0) return { loss: labels.length === 0 ? 0 : Number.POSITIVE_INFINITY, grad: new Float32Array(0) };
  const logp = logProbabilities(logits, frames, classes);
  // The path's states: a blank before, between and after the labels.
  const states = 2 * labels.length + 1;
  const symbol = (s: number): number => (s % 2 === 0 ? 0 : labels[(s - 1) / 2]);
  const mayskip = (s: number): boolean => s % 2 === 1 && s >= 3 && symbol(s) !== symbol(s - 2);
  const forward = new Float64Array(frames * states).fill(NONE);
  const backward = new Float64Array(frames * states).fill(NONE);
  forward[0] = logp[0];
  if (states > 1) forward[1] = logp[symbol(1)];
  for (let t = 1; t < frames; t++) {
    for (let s = 0; s < states; s++) {
      const before = (t - 1) * states + s;
      let total = forward[before];
      if (s >= 1) total = logAdd(total, forward[before - 1]);
      if (mayskip(s)) total = logAdd(total, forward[before - 2]);
      forward[t * states + s] = total === NONE ? NONE : total + logp[t * classes + symbol(s)];
    }
  }
  const last = (frames - 1) * states + states - 1;
  const logTotal = logAdd(forward[last], states > 1 ? forward[last - 1] : NONE);
  const grad = new Float32Array(frames * classes);
  if (logTotal === NONE) return { loss: Number.POSITIVE_INFINITY, grad };

  // backward[t, s]: probability of the rest of the labels after frame t, being in state s at t.
  backward[last] = 0;
  if (states > 1) backward[last - 1] = 0;
  for (let t = frames - 2; t >= 0; t--) {
    for (let s = 0; s < states; s++) {
      const arrive = (to: number): number => {
        const b = backward[(t + 1) * states + to];
        return b === NONE ? NONE : b + logp[(t + 1) * classes + symbol(to)];
      };
      let total = arrive(s);
      if (s + 1 < states) total = logAdd(total, arrive(s + 1));
      if (s + 2 < states && mayskip(s + 2)) total = logAdd(total, arrive(s + 2));
      backward[t * states + s] = total;
    }
  }
  for (let t = 0; t < frames; t++) {
    for (let k = 0; k < classes; k++) grad[t * classes + k] = Math.exp(logp[t * classes + k]);
    for (let s = 0; s < states; s++) {
      const both = forward[t * states + s] + backward[t * states + s];
      if (both > NONE) grad[t * classes + symbol(s)] -= Math.exp(both - logTotal);
    }
  }
  return { loss: -logTotal, grad };
}

/** The best class of every frame, repeats merged, blanks (class 0) removed. */
export function ctcGreedy(logits: Float32Array, frames: number, classes: number): number[] {
  const out: number[] = [];
  let previous = 0;
  for (let t = 0; t < frames; t++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (logits[t * classes + k] > logits[t * classes + best]) best = k;
    if (best !== previous && best !== 0) out.push(best);
    previous = best;
  }
  return out;
}
