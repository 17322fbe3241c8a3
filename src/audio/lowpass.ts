import { type RealFft, realFft } from './fft.js';
import { designKaiser } from './kaiser.js';

/**
 * A sharp linear-phase low-pass that also changes the rate by a simple ratio, by FFT convolution (overlap-save): bins
 * are weighted, then the inverse transform is shorter (fewer samples) or longer (more). Its cost hardly depends on the
 * sharpness, unlike that of a sum over taps.
 */
export class FftLowpass {
  private readonly plan: Plan;
  /** absolute input index of block[0] */
  private start: number;
  private filled: number;
  private readonly block: Float64Array;
  private readonly output: Float64Array;
  private readonly re: Float64Array;
  private readonly im: Float64Array;

  /**
   * @param up @param down output rate / input rate: 1/d or 2/1
   * @param cutoff where the stop band begins, as a share of half the input rate, at most 1
   * @param transition width of the transition band as a share of `cutoff`
   */
  constructor(up: number, down: number, cutoff: number, transition: number) {
    this.plan = planFor(up, down, cutoff, transition);
    const { size, half } = this.plan;
    this.block = new Float64Array(size);
    this.output = new Float64Array((size * up) / down);
    const bins = Math.max(size, this.output.length) / 2 + 1;
    this.re = new Float64Array(bins);
    this.im = new Float64Array(bins);
    // Silence before the first sample lets output 0 sit exactly on input 0.
    this.start = -half;
    this.filled = half;
  }

  /** Takes input; hands every finished stretch of output to `emit` (valid during the call only). */
  push(samples: ArrayLike<number>, emit: (output: Float64Array) => void): void {
    const { size } = this.plan;
    for (let at = 0; at < samples.length; ) {
      const count = Math.min(samples.length - at, size - this.filled);
      for (let i = 0; i < count; i++) this.block[this.filled + i] = samples[at + i];
      this.filled += count;
      at += count;
      if (this.filled === size) this.run(emit);
    }
  }

  /** Feeds zeros until everything up to input index `end` came out. */
  flush(end: number, emit: (output: Float64Array) => void): void {
    while (this.start + this.plan.half < end) {
      this.block.fill(0, this.filled);
      this.run(emit);
    }
  }

  private run(emit: (output: Float64Array) => void): void {
    const { size, half, forward, inverse, response, up, down } = this.plan;
    const { re, im, block, output } = this;
    forward.forward(block, re, im);
    for (let k = 0; k < response.length; k++) {
      re[k] *= response[k];
      im[k] *= response[k];
    }
    re.fill(0, response.length);
    im.fill(0, response.length);
    inverse.inverse(re, im, output);
    const edge = (half * up) / down;
    emit(output.subarray(edge, output.length - edge));
    block.copyWithin(0, size - 2 * half, size);
    this.start += size - 2 * half;
    this.filled = 2 * half;
  }
}

interface Plan {
  up: number;
  down: number;
  /** input samples a block */
  size: number;
  /** samples lost to the filter at each end of a block */
  half: number;
  forward: RealFft;
  inverse: RealFft;
  /** weight of each bin that passes, scaled for the two lengths */
  response: Float64Array;
}

const plans = new Map<string, Plan>();

function planFor(up: number, down: number, cutoff: number, transition: number): Plan {
  const key = `${up}/${down} ${cutoff}`;
  let plan = plans.get(key);
  if (!plan) {
    plan = design(up, down, cutoff, transition);
    if (plans.size >= 4) plans.clear();
    plans.set(key, plan);
  }
  return plan;
}

function design(up: number, down: number, cutoff: number, transition: number): Plan {
  const kernel = designKaiser(cutoff * (1 - transition / 2), cutoff * transition);
  const half = Math.ceil(kernel.half / down) * down;
  let size = 2 * down;
  while (size < 6 * half) size *= 2;
  const forward = realFft(size);
  const wave = new Float64Array(size);
  for (let i = 0; i <= kernel.half; i++) {
    const weight = kernel.at(i);
    wave[i] = weight;
    if (i > 0) wave[size - i] = weight;
  }
  const re = new Float64Array(size / 2 + 1);
  forward.forward(wave, re, new Float64Array(size / 2 + 1));
  const outSize = (size * up) / down;
  // Bins from the lower half rate on are in the stop band and left out.
  const response = re.slice(0, Math.min(size, outSize) / 2).map((weight) => (weight * outSize) / size);
  return { up, down, size, half, forward, inverse: outSize === size ? forward : realFft(outSize), response };
}
