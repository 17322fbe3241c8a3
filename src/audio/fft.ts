/**
 * Discrete Fourier transforms of any length in float64. Lengths made of 2, 3, 5 and 7 are fast; a large prime factor p
 * costs p operations a sample. Method: Stockham's self-sorting mixed-radix algorithm, decimation in frequency.
 */
export interface ComplexFft {
  readonly size: number;
  /**
   * X[k] = sum over n of x[n] exp(-2 pi i k n / size), in place on the two arrays (length >= size).
   * The inverse, without its factor 1 / size, is the same call with `re` and `im` exchanged.
   */
  transform(re: Float64Array, im: Float64Array): void;
}

/** A real transform of an even length n; bins 0 to n / 2. */
export interface RealFft {
  readonly size: number;
  /** `x` [size] -> `re`, `im` [size / 2 + 1] */
  forward(x: Float64Array, re: Float64Array, im: Float64Array): void;
  /** `re`, `im` [size / 2 + 1] -> `x` [size], scaled so that it undoes {@link forward}. */
  inverse(re: Float64Array, im: Float64Array, x: Float64Array): void;
}

/** @param size positive integer */
export function complexFft(size: number): ComplexFft {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`FFT size must be a positive integer, not ${size}`);
  const passes = plan(size);
  const tmpRe = new Float64Array(size);
  const tmpIm = new Float64Array(size);
  return {
    size,
    transform(re, im) {
      let [ar, ai, br, bi]: Float64Array[] = [re, im, tmpRe, tmpIm];
      for (const pass of passes) {
        pass(ar, ai, br, bi);
        [ar, ai, br, bi] = [br, bi, ar, ai];
      }
      if (ar !== re) {
        re.set(ar);
        im.set(ai);
      }
    },
  };
}

/** @param size positive even integer */
export function realFft(size: number): RealFft {
  if (!Number.isInteger(size) || size < 2 || size % 2 !== 0) {
    throw new RangeError(`real FFT size must be a positive even integer, not ${size}`);
  }
  const half = size / 2;
  const fft = complexFft(half);
  const zr = new Float64Array(half);
  const zi = new Float64Array(half);
  const cos = Float64Array.from({ length: half + 1 }, (_, k) => Math.cos((2 * Math.PI * k) / size));
  const sin = Float64Array.from({ length: half + 1 }, (_, k) => Math.sin((2 * Math.PI * k) / size));
  return {
    size,
    // Even samples are the real part, odd samples the imaginary part of a transform of half the length.
    forward(x, re, im) {
      for (let i = 0; i < half; i++) {
        zr[i] = x[2 * i];
        zi[i] = x[2 * i + 1];
      }
      fft.transform(zr, zi);
      for (let k = 0; k <= half; k++) {
        const a = k === half ? 0 : k;
        const b = k === 0 ? 0 : half - k;
        const er = (zr[a] + zr[b]) / 2;
        const ei = (zi[a] - zi[b]) / 2;
        const or = (zi[a] + zi[b]) / 2;
        const oi = (zr[b] - zr[a]) / 2;
        re[k] = er + cos[k] * or + sin[k] * oi;
        im[k] = ei + cos[k] * oi - sin[k] * or;
      }
    },
    inverse(re, im, x) {
      for (let k = 0; k < half; k++) {
        const b = half - k;
        const er = (re[k] + re[b]) / 2;
        const ei = (im[k] - im[b]) / 2;
        const dr = (re[k] - re[b]) / 2;
        const di = (im[k] + im[b]) / 2;
        const or = dr * cos[k] - di * sin[k];
        const oi = di * cos[k] + dr * sin[k];
        zr[k] = er - oi;
        zi[k] = ei + or;
      }
      fft.transform(zi, zr);
      for (let i = 0; i < half; i++) {
        x[2 * i] = zr[i] / half;
        x[2 * i + 1] = zi[i] / half;
      }
    },
  };
}

type Pass = (ar: Float64Array, ai: Float64Array, br: Float64Array, bi: Float64Array) => void;

/** One pass a factor: `n` is what is left to split, `s` how many transforms run side by side. */
function plan(size: number): Pass[] {
  const passes: Pass[] = [];
  let n = size;
  let s = 1;
  while (n > 1) {
    const p = n % 4 === 0 ? 4 : smallestFactor(n);
    passes.push(p === 4 ? radix4(n, s) : p === 2 ? radix2(n, s) : radixAny(p, n, s));
    n /= p;
    s *= p;
  }
  return passes;
}

function smallestFactor(n: number): number {
  for (let p = 2; p * p <= n; p++) if (n % p === 0) return p;
  return n;
}

function twiddles(n: number): { cos: Float64Array; sin: Float64Array } {
  const cos = Float64Array.from({ length: n }, (_, k) => Math.cos((2 * Math.PI * k) / n));
  const sin = Float64Array.from({ length: n }, (_, k) => -Math.sin((2 * Math.PI * k) / n));
  return { cos, sin };
}

function radix2(n: number, s: number): Pass {
  const m = n / 2;
  const { cos, sin } = twiddles(n);
  return (ar, ai, br, bi) => {
    for (let i = 0; i < m; i++) {
      const c = cos[i];
      const d = sin[i];
      for (let q = 0; q < s; q++) {
        const a = q + s * i;
        const b = a + s * m;
        const o = q + s * 2 * i;
        const dr = ar[a] - ar[b];
        const di = ai[a] - ai[b];
        br[o] = ar[a] + ar[b];
        bi[o] = ai[a] + ai[b];
        br[o + s] = dr * c - di * d;
        bi[o + s] = dr * d + di * c;
      }
    }
  };
}

function radix4(n: number, s: number): Pass {
  const m = n / 4;
  const { cos, sin } = twiddles(n);
  return (ar, ai, br, bi) => {
    for (let i = 0; i < m; i++) {
      const [c1, d1, c2, d2, c3, d3] = [cos[i], sin[i], cos[2 * i], sin[2 * i], cos[3 * i], sin[3 * i]];
      for (let q = 0; q < s; q++) {
        const i0 = q + s * i;
        const i1 = i0 + s * m;
        const i2 = i1 + s * m;
        const i3 = i2 + s * m;
        const o = q + s * 4 * i;
        const pr = ar[i0] + ar[i2];
        const pi = ai[i0] + ai[i2];
        const mr = ar[i0] - ar[i2];
        const mi = ai[i0] - ai[i2];
        const qr = ar[i1] + ar[i3];
        const qi = ai[i1] + ai[i3];
        // -i (x1 - x3)
        const jr = ai[i1] - ai[i3];
        const ji = ar[i3] - ar[i1];
        br[o] = pr + qr;
        bi[o] = pi + qi;
        const xr = mr + jr;
        const xi = mi + ji;
        br[o + s] = xr * c1 - xi * d1;
        bi[o + s] = xr * d1 + xi * c1;
        const yr = pr - qr;
        const yi = pi - qi;
        br[o + 2 * s] = yr * c2 - yi * d2;
        bi[o + 2 * s] = yr * d2 + yi * c2;
        const zr = mr - jr;
        const zi = mi - ji;
        br[o + 3 * s] = zr * c3 - zi * d3;
        bi[o + 3 * s] = zr * d3 + zi * c3;
      }
    }
  };
}

function radixAny(p: number, n: number, s: number): Pass {
  const m = n / p;
  const { cos, sin } = twiddles(n);
  const w = twiddles(p);
  return (ar, ai, br, bi) => {
    for (let i = 0; i < m; i++) {
      for (let k = 0; k < p; k++) {
        const c = cos[(i * k) % n];
        const d = sin[(i * k) % n];
        for (let q = 0; q < s; q++) {
          let sr = 0;
          let si = 0;
          let t = 0;
          for (let j = 0, a = q + s * i; j < p; j++, a += s * m) {
            sr += ar[a] * w.cos[t] - ai[a] * w.sin[t];
            si += ar[a] * w.sin[t] + ai[a] * w.cos[t];
            t += k;
            if (t >= p) t -= p;
          }
          const o = q + s * (p * i + k);
          br[o] = sr * c - si * d;
          bi[o] = sr * d + si * c;
        }
      }
    }
  };
}
