/**
 * The mel scale in Slaney's form (Auditory Toolbox; librosa's default): linear below 1 kHz, logarithmic above, each
 * triangular band scaled to unit area.
 */
const BREAK_MEL = 15;
const LOG_STEP = Math.log(6.4) / 27;

/** Hertz -> mel */
export function hzToMel(hz: number): number {
  return hz < 1000 ? (3 * hz) / 200 : BREAK_MEL + Math.log(hz / 1000) / LOG_STEP;
}

/** Mel -> hertz */
export function melToHz(mel: number): number {
  return mel < BREAK_MEL ? (200 * mel) / 3 : 1000 * Math.exp((mel - BREAK_MEL) * LOG_STEP);
}

/** Triangular bands over the bins of an FFT, stored without their zeros. */
export interface MelBank {
  readonly bands: number;
  /** number of bins a spectrum must have: nFft / 2 + 1 */
  readonly bins: number;
  /** first bin of each band, `[bands]` */
  readonly first: Int32Array;
  /** weights of each band from its first bin on */
  readonly weights: readonly Float64Array[];
  /** `power` [bins] -> `out` [bands] */
  apply(power: Float64Array, out: Float64Array): void;
}

/**
 * Bands evenly spaced in mel from 0 Hz to half the rate.
 * @param bands number of bands
 * @param nFft FFT length; bins are rate / nFft apart
 * @param rate samples a second
 */
export function melBank(bands: number, nFft: number, rate: number): MelBank {
  const bins = Math.floor(nFft / 2) + 1;
  const top = hzToMel(rate / 2);
  const edges = Float64Array.from({ length: bands + 2 }, (_, i) => melToHz((top * i) / (bands + 1)));
  const first = new Int32Array(bands);
  const weights: Float64Array[] = [];
  for (let i = 0; i < bands; i++) {
    const [low, mid, high] = [edges[i], edges[i + 1], edges[i + 2]];
    const row: number[] = [];
    for (let k = 0; k < bins; k++) {
      const f = (k * rate) / nFft;
      const w = Math.min((f - low) / (mid - low), (high - f) / (high - mid)) * (2 / (high - low));
      if (w <= 0) continue;
      if (row.length === 0) first[i] = k;
      row.push(w);
    }
    weights.push(Float64Array.from(row));
  }
  return {
    bands,
    bins,
    first,
    weights,
    apply(power, out) {
      for (let i = 0; i < bands; i++) {
        const row = weights[i];
        const start = first[i];
        let sum = 0;
        for (let j = 0; j < row.length; j++) sum += row[j] * power[start + j];
        out[i] = sum;
      }
    },
  };
}
