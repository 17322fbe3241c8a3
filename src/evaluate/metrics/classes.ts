/**
 * Nearest class by features: every class is its mean, distances are measured by the covariance that all classes share (linear
 * discriminant analysis, Fisher 1936; shrunk towards its diagonal as in Friedman 1989). Closed form: the same samples give
 * the same classes.
 */

import { cholesky, forwardSolve } from '../../algebra/index.js';

/** Features that say the same twice leave nothing of the second: it is given next to no width, not none. */
const LEAST_PIVOT = 1e-18;

/** One labelled sample. */
export interface Sample {
  label: string;
  /** as many numbers for every sample */
  features: ArrayLike<number>;
}

export interface Classes {
  labels: readonly string[];
  /** Squared distance of features from each class, in the order of `labels`; a constant that all classes share is left out. */
  distances(features: ArrayLike<number>): number[];
  /** The nearest class. */
  nearest(features: ArrayLike<number>): string;
}

/**
 * @param samples of every class one or more @param shrinkage 0: covariances as they are, 1: variances alone
 * @throws RangeError when there is nothing to learn from
 */
export function fitClasses(samples: readonly Sample[], shrinkage = 0.1): Classes {
  if (samples.length === 0) throw new RangeError('classes need samples');
  const width = samples[0].features.length;
  const labels = [...new Set(samples.map(({ label }) => label))].sort();
  const means = labels.map((label) => meanOf(samples.filter((sample) => sample.label === label)));
  const covariance = pooled(samples, new Map(labels.map((label, i) => [label, means[i]])), shrinkage);
  const factor = cholesky(covariance, width, LEAST_PIVOT)!;
  const white = means.map((mean) => forwardSolve(factor, mean));
  const distances = (features: ArrayLike<number>): number[] => {
    const x = forwardSolve(factor, features);
    return white.map((mean) => mean.reduce((sum, m, i) => sum + (x[i] - m) ** 2, 0));
  };
  const nearest = (features: ArrayLike<number>): string => {
    const all = distances(features);
    return labels[all.indexOf(Math.min(...all))];
  };
  return { labels, distances, nearest };
}

function meanOf(samples: readonly Sample[]): Float64Array {
  const mean = new Float64Array(samples[0].features.length);
  for (const { features } of samples) for (let i = 0; i < mean.length; i++) mean[i] += features[i] / samples.length;
  return mean;
}

/** `[width, width]`, row-major. A trace of the variances keeps features that never vary from having no distance at all. */
function pooled(samples: readonly Sample[], means: ReadonlyMap<string, Float64Array>, shrinkage: number): Float64Array {
  const width = samples[0].features.length;
  const out = new Float64Array(width * width);
  const apart = new Float64Array(width);
  for (const { label, features } of samples) {
    const mean = means.get(label) as Float64Array;
    for (let i = 0; i < width; i++) apart[i] = features[i] - mean[i];
    for (let i = 0; i < width; i++) {
      for (let j = 0; j <= i; j++) out[i * width + j] += apart[i] * apart[j];
    }
  }
  const count = Math.max(1, samples.length - means.size);
  let trace = 0;
  for (let i = 0; i < width; i++) trace += out[i * width + i] / count / width;
  for (let i = 0; i < width; i++) {
    for (let j = 0; j < i; j++) {
      out[i * width + j] *= (1 - shrinkage) / count;
      out[j * width + i] = out[i * width + j];
    }
    out[i * width + i] = out[i * width + i] / count + 1e-6 * trace + 1e-12;
  }
  return out;
}
