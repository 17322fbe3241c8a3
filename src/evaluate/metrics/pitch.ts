/** The fundamental frequency of a voice. Samples are at 16 kHz. */

const RATE = 16000;
/** Voices lie between these, in Hz. */
const LOW = 60;
const HIGH = 500;
/** Two periods of the lowest voice are compared; steps of 20 ms. */
const WINDOW = 640;
const HOP = 320;
/** Difference, relative to its running mean, below which a lag is a period; frames without one are unvoiced. */
const THRESHOLD = 0.15;
/** Frames further below the loudest one are left out: reverberation and noise. */
const QUIET_DB = 30;

/**
 * Median fundamental frequency over voiced frames, in Hz, by YIN (de Cheveigne and Kawahara 2002, steps 1 to 5).
 * @returns null when nothing is voiced
 */
export function medianPitch(samples: Float32Array): number | null {
  const starts: number[] = [];
  for (let at = 0; at + WINDOW + RATE / LOW <= samples.length; at += HOP) starts.push(at);
  const powers = starts.map((at) => samples.subarray(at, at + WINDOW).reduce((sum, x) => sum + x * x, 0));
  const least = Math.max(...powers) * 10 ** (-QUIET_DB / 10);
  const pitches = starts
    .filter((_, i) => powers[i] > 0 && powers[i] >= least)
    .flatMap((at) => pitchAt(samples, at) ?? [])
    .sort((a, b) => a - b);
  return pitches.length > 0 ? pitches[Math.floor(pitches.length / 2)] : null;
}

/** Hz at a place; null where it is unvoiced. */
function pitchAt(samples: Float32Array, at: number): number | null {
  const longest = Math.floor(RATE / LOW);
  const shortest = Math.floor(RATE / HIGH);
  const difference = new Float64Array(longest + 1);
  let running = 0;
  difference[0] = 1;
  for (let lag = 1; lag <= longest; lag++) {
    let sum = 0;
    for (let i = at; i < at + WINDOW; i++) {
      const d = samples[i] - samples[i + lag];
      sum += d * d;
    }
    running += sum;
    difference[lag] = running > 0 ? (sum * lag) / running : 1;
  }
  for (let lag = shortest; lag < longest; lag++) {
    if (difference[lag] >= THRESHOLD) continue;
    while (lag + 1 < longest && difference[lag + 1] < difference[lag]) lag++;
    return RATE / (lag + vertex(difference[lag - 1], difference[lag], difference[lag + 1]));
  }
  return null;
}

/** Where the parabola through three neighbours has its lowest point, relative to the middle one. */
function vertex(a: number, b: number, c: number): number {
  const bend = a - 2 * b + c;
  return bend > 0 ? (a - c) / (2 * bend) : 0;
}
