/** How far coded sound is from the original: spectra at several resolutions and a mel spectrogram, as graph expressions. */
import {
  abs,
  add,
  concat,
  div,
  log,
  matmul,
  meanAll,
  mul,
  reshape,
  slice,
  sqrt,
  square,
  sub,
  sumAll,
  type Tensor,
} from '../../graph/index.js';
import { RATE } from '../../model/codec/nano-config.js';
import { forwardBasis, melMatrix } from '../../model/codec/spectrum.js';

/** Window lengths; hops are a quarter. */
const SIZES = [256, 512, 1024] as const;
const MEL_SIZE = 1024;
const MEL_BANDS = 80;
/** Added to power before the logarithm: the floor of the encoder's features, as an amplitude 1e-4. */
const FLOOR = 1e-8;

/** Power spectra of waves [batch, samples]: [batch * frames, bins]. Samples must be whole hops. */
function power(wave: Tensor, size: number): Tensor {
  const [batch, samples] = [wave.size(0), wave.size(1)];
  const hop = size / 4;
  const hops = samples / hop;
  const frames = hops - 3;
  const grid = reshape(wave, [batch, hops, hop]);
  const quarters = [0, 1, 2, 3].map((q) => slice(grid, 1, q, q + frames));
  const windows = reshape(concat(quarters, 2), [batch * frames, size]);
  const bins = size / 2 + 1;
  const spectrum = matmul(windows, wave.graph.constant(forwardBasis(size), [size, 2 * bins]));
  return add(square(slice(spectrum, 1, 0, bins)), square(slice(spectrum, 1, bins, 2 * bins)));
}

const logOf = (p: Tensor): Tensor => mul(log(add(p, FLOOR)), 0.5);

/** What training makes small. `loss` is the weighted sum of the others. */
export interface CodecLoss extends Record<string, Tensor> {
  loss: Tensor;
  /** mean over resolutions: ||S - S'|| / ||S|| of magnitudes */
  convergence: Tensor;
  /** mean over resolutions: mean absolute difference of log magnitudes, in nepers (1 is 8.7 dB) */
  logMagnitude: Tensor;
  /** the same of 80 mel bands */
  mel: Tensor;
}

/** Multi-resolution STFT distance (Yamamoto et al. 2020) and mel distance of `wave` to `target`, both [batch, samples]. */
export function codecLoss(wave: Tensor, target: Tensor): CodecLoss {
  let convergence: Tensor | undefined;
  let logMagnitude: Tensor | undefined;
  let mel: Tensor | undefined;
  for (const size of SIZES) {
    const [p, t] = [power(wave, size), power(target, size)];
    const difference = sub(sqrt(add(p, FLOOR)), sqrt(add(t, FLOOR)));
    const ratio = sqrt(div(add(sumAll(square(difference)), 1e-6), add(sumAll(t), 1e-6)));
    const distance = meanAll(abs(sub(logOf(p), logOf(t))));
    convergence = convergence ? add(convergence, ratio) : ratio;
    logMagnitude = logMagnitude ? add(logMagnitude, distance) : distance;
    if (size === MEL_SIZE) {
      const bands = wave.graph.constant(melMatrix(MEL_BANDS, size, RATE), [size / 2 + 1, MEL_BANDS]);
      mel = meanAll(abs(sub(logOf(matmul(p, bands)), logOf(matmul(t, bands)))));
    }
  }
  const share = 1 / SIZES.length;
  const parts = { convergence: mul(convergence!, share), logMagnitude: mul(logMagnitude!, share), mel: mel! };
  return { loss: add(add(parts.convergence, parts.logMagnitude), parts.mel), ...parts };
}
