/** Stop-band attenuation of all filters here, dB. */
const ATTENUATION = 130;
const BETA = 0.1102 * (ATTENUATION - 8.7);

/** A low-pass impulse response, symmetric about 0. */
export interface Kernel {
  /** it is 0 at and beyond +-half */
  half: number;
  /** value at any real distance from the centre, in samples */
  at(distance: number): number;
}

/**
 * A sinc under a Kaiser window (Kaiser 1974; Oppenheim and Schafer, "Discrete-Time Signal Processing", 7.5).
 * @param centre middle of the transition band, @param width its width; both as shares of half the sampling rate
 */
export function designKaiser(centre: number, width: number): Kernel {
  const half = Math.ceil((ATTENUATION - 8) / (2.285 * Math.PI * width) / 2) + 1;
  const norm = besselI0(BETA);
  return {
    half,
    at(distance) {
      const edge = 1 - (distance / half) ** 2;
      if (edge <= 0) return 0;
      const x = Math.PI * centre * distance;
      return (centre * (x === 0 ? 1 : Math.sin(x) / x) * besselI0(BETA * Math.sqrt(edge))) / norm;
    },
  };
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
