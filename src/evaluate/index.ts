/**
 * evaluate/: how good a model is. `metrics/` holds the measures (detection, answers, spectral distances),
 * `nano/` puts the small model to the test on clips of the small world that it never saw: `npm run evaluate:nano`.
 */
export { namedChoice } from './metrics/answers.js';
export { type Detection, f1Part, matchLabels, matchOnsets, type Onset } from './metrics/detection.js';
export {
  cepstralDistance,
  melCepstralDistortion,
  type SpectralDistance,
  spectralDistance,
} from './metrics/distance.js';
export { bootstrap, type Interval, ratioOf, wilson } from './metrics/statistics.js';
