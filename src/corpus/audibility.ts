/**
 * Whether a part of a mixture can be heard: its energy in critical-band-like cells of time and frequency against that
 * of everything else. It keeps captions true: what is claimed must stand out somewhere.
 */
import { type RealFft, realFft } from '../audio/fft.js';
import { RATE } from './sources/dsp.js';

const FRAME = 512;
const HOP = 320;
const BANDS = 24;

/** Band energies of one part at its unit level, on the clip's time line: `[frames, 24]`. */
export interface Cells {
  energy: Float32Array;
  frames: number;
}

/** What a listener needs: this share of the part's own frames must have this many bands above everything else. */
export interface Demand {
  bands: number;
  share: number;
}

export const DEMANDS = {
  speech: { bands: 6, share: 0.6 },
  music: { bands: 2, share: 0.3 },
  event: { bands: 2, share: 0.35 },
  ambience: { bands: 3, share: 0.3 },
} as const satisfies Record<string, Demand>;

let fft: RealFft | undefined;
let edges: Uint16Array | undefined;

/**
 * @param x mono samples of the part
 * @param start its place in the clip, seconds
 * @param seconds length of the clip
 */
export function cellsOf(x: Float32Array, start: number, seconds: number): Cells {
  fft ??= realFft(FRAME);
  edges ??= bandEdges();
  const frames = Math.ceil((seconds * RATE) / HOP);
  const energy = new Float32Array(frames * BANDS);
  const offset = Math.round(start * RATE);
  const buffer = new Float64Array(FRAME);
  const re = new Float64Array(FRAME / 2 + 1);
  const im = new Float64Array(FRAME / 2 + 1);
  const first = Math.max(0, Math.floor((offset - FRAME) / HOP));
  const last = Math.min(frames, Math.ceil((offset + x.length) / HOP));
  for (let f = first; f < last; f++) {
    const from = f * HOP - offset;
    for (let i = 0; i < FRAME; i++) {
      buffer[i] = (x[from + i] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FRAME));
    }
    fft.forward(buffer, re, im);
    for (let b = 0; b < BANDS; b++) {
      let sum = 0;
      for (let k = edges[b] as number; k < (edges[b + 1] as number); k++)
        sum += (re[k] as number) ** 2 + (im[k] as number) ** 2;
      energy[f * BANDS + b] = sum;
    }
  }
  return { energy, frames };
}

/**
 * @param parts cells and level (dB) of every part, the one in question among them
 * @param which index of the part in question
 * @param demand how much of it must stand out
 * @param floor energy of a cell that nobody hears (recording noise); linear, per cell
 */
export function isAudible(
  parts: readonly { cells: Cells; level: number }[],
  which: number,
  demand: Demand,
  floor: number,
): boolean {
  const own = parts[which] as { cells: Cells; level: number };
  const gains = parts.map((p) => 10 ** (p.level / 10));
  const { energy, frames } = own.cells;
  const totals = Array.from({ length: frames }, (_, f) =>
    energy.subarray(f * BANDS, (f + 1) * BANDS).reduce((a, b) => a + b, 0),
  );
  const active = Math.max(...totals) * 1e-3;
  let seen = 0;
  let heard = 0;
  for (let f = 0; f < frames; f++) {
    if ((totals[f] as number) < active) continue;
    seen++;
    let bands = 0;
    for (let b = 0; b < BANDS; b++) {
      let rest = floor;
      for (let p = 0; p < parts.length; p++) {
        if (p !== which)
          rest += (gains[p] as number) * ((parts[p] as { cells: Cells }).cells.energy[f * BANDS + b] as number);
      }
      // 2: three decibels above the rest
      if ((gains[which] as number) * (energy[f * BANDS + b] as number) > 2 * rest) bands++;
    }
    if (bands >= demand.bands) heard++;
  }
  return seen > 0 && heard / seen >= demand.share;
}

/** Bin numbers that part 60 Hz to 8 kHz in bands about as wide as the ear's. */
function bandEdges(): Uint16Array {
  const bark = (hz: number) => 6 * Math.asinh(hz / 600);
  const low = bark(60);
  const high = bark(8000);
  const out = new Uint16Array(BANDS + 1);
  for (let b = 0; b <= BANDS; b++) {
    const hz = 600 * Math.sinh((low + ((high - low) * b) / BANDS) / 6);
    out[b] = Math.max(b === 0 ? 1 : (out[b - 1] as number) + 1, Math.round((hz * FRAME) / RATE));
  }
  out[BANDS] = FRAME / 2 + 1;
  return out;
}
