/**
 * evaluate/: how good a model is. `metrics/` holds the measures (detection, answers, spectral distances),
 * `nano/` puts the small model to the test on clips of the small world that it never saw: `npm run evaluate:nano`.
 */
export { type Classes, fitClasses, type Sample } from './metrics/classes.js';
export {
  type Detection,
  f1Part,
  type Match,
  matchEvents,
  matchLabels,
  matchOnsets,
  type Onset,
  orderRight,
} from './metrics/detection.js';
export {
  cepstralDistance,
  melCepstralDistortion,
  type SpectralDistance,
  spectralDistance,
} from './metrics/distance.js';
export { tempoFeatures, timbreFeatures } from './metrics/features.js';
export { momentFeatures, moments } from './metrics/moments.js';
export { medianPitch } from './metrics/pitch.js';
export {
  auroc,
  bootstrap,
  bootstrapAuroc,
  bootstrapOf,
  type Interval,
  median,
  ratioOf,
  wilson,
} from './metrics/statistics.js';
