/** Where long sounds are cut: at the quietest places, so that words and notes stay whole. */

/** Levels are taken of so many samples at 16 kHz: 10 ms. */
export const HOP = 160;
const RATE = 16_000;
/** A place is as quiet as the 0.3 s around it. */
const AROUND = 15;
/** Parts get no shorter than this, in seconds, where it can be avoided. */
const SHORTEST = 5;

/** Energies of a sound in steps of 10 ms: 100 numbers a second, a megabyte for 45 minutes. */
export class Levels {
  private levels = new Float32Array(4096);
  private count = 0;
  private energy = 0;
  private within = 0;
  private samples = 0;

  push(samples: Float32Array): void {
    this.samples += samples.length;
    for (const x of samples) {
      this.energy += x * x;
      if (++this.within === HOP) this.close();
    }
  }

  private close(): void {
    if (this.count === this.levels.length) {
      const longer = new Float32Array(2 * this.levels.length);
      longer.set(this.levels);
      this.levels = longer;
    }
    this.levels[this.count++] = this.energy;
    this.energy = this.within = 0;
  }

  get seconds(): number {
    return this.samples / RATE;
  }

  /** Energies of all whole steps. */
  values(): Float32Array {
    return this.levels.subarray(0, this.count);
  }
}

/**
 * Cuts a sound into parts of at most `longest` seconds.
 *
 * Each cut is put where 0.3 s are quietest in the last part of what may still be heard, the later place of equal ones; the last
 * two parts share what is left, so that no scrap remains.
 * @param levels energies in steps of 10 ms @param seconds length of the sound
 * @returns times of the cuts in seconds, multiples of 0.01; none for a short sound
 */
export function cutsOf(levels: Float32Array, seconds: number, longest: number): number[] {
  const smooth = smoothed(levels);
  const most = Math.floor(longest * 100 + 1e-6);
  const least = Math.min(Math.ceil(SHORTEST * 100), Math.floor(most / 2));
  const end = seconds * 100;
  const cuts: number[] = [];
  for (let from = 0; end - from > most; ) {
    // Looked for in the later half of what fits, and so that what is left is not too short.
    const high = Math.min(from + most, Math.floor(end - least));
    const low = Math.max(from + least, from + Math.floor(most / 2));
    let best = high;
    for (let at = high - 1; at >= Math.min(low, high); at--) {
      if (smooth[at] < smooth[best] || smooth[best] === undefined) best = at;
    }
    cuts.push(best / 100);
    from = best;
  }
  return cuts;
}

/** Sums over 0.3 s around the beginning of each step. */
function smoothed(levels: Float32Array): Float64Array {
  const sums = new Float64Array(levels.length + 1);
  for (let i = 0; i < levels.length; i++) sums[i + 1] = sums[i] + levels[i];
  return Float64Array.from({ length: levels.length }, (_, at) => {
    const value = sums[Math.min(levels.length, at + AROUND)] - sums[Math.max(0, at - AROUND)];
    // Differences of sums leave dust where there is silence.
    return value < 1e-9 ? 0 : value;
  });
}
