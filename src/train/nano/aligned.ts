/** Cross-entropy of scores against one class a token, for words whose times are known roughly. */

/** What {@link alignWords} says of a token: a class, or nothing. */
export const NO_TARGET = -1;

/**
 * @param logits [tokens, classes] @param targets a class or {@link NO_TARGET} for each token
 * @returns the weighted sum of losses, its gradient [tokens, classes], and the sum of weights
 */
export function alignedLoss(
  logits: Float32Array,
  targets: Int32Array,
  classes: number,
): { loss: number; grad: Float32Array; count: number } {
  const grad = new Float32Array(targets.length * classes);
  let loss = 0;
  let count = 0;
  targets.forEach((target, t) => {
    if (target === NO_TARGET) return;
    const row = logits.subarray(t * classes, (t + 1) * classes);
    const top = row.reduce((a, b) => Math.max(a, b));
    let total = 0;
    for (const x of row) total += Math.exp(x - top);
    // Silence is everywhere and soon learned: a tenth of the say of a word.
    const weight = target === 0 ? 0.1 : 1;
    for (let k = 0; k < classes; k++) grad[t * classes + k] = (weight * Math.exp(row[k] - top)) / total;
    grad[t * classes + target] -= weight;
    loss += weight * (Math.log(total) + top - row[target]);
    count += weight;
  });
  return { loss, grad, count };
}
