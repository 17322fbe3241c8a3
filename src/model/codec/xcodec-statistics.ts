/** Mean and variance of a whole from those of its parts. */

/** Of each channel: mean and biased variance. */
export interface Statistics {
  mean: Float32Array;
  variance: Float32Array;
}

/** Those of all parts together (Chan, Golub and LeVeque 1979); `count` is how many values a part's channel has. */
export function mergeStatistics(parts: readonly (Statistics & { count: number })[]): Statistics {
  const channels = parts[0].mean.length;
  const mean = new Float64Array(channels);
  const squares = new Float64Array(channels);
  let total = 0;
  for (const part of parts) {
    const both = total + part.count;
    for (let c = 0; c < channels; c++) {
      const step = part.mean[c] - mean[c];
      mean[c] += (step * part.count) / both;
      squares[c] += part.variance[c] * part.count + (step * step * total * part.count) / both;
    }
    total = both;
  }
  return { mean: Float32Array.from(mean), variance: Float32Array.from(squares, (sum) => sum / total) };
}
