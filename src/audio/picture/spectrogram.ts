import { Canvas, TEXT_HEIGHT, textWidth } from './canvas.js';
import { colourScale } from './colours.js';
import { hzToAxis, type Levels, spectrogramLevels } from './levels.js';
import { evenTicks, hertzLabel, roundFrequencies, secondsLabel, type Tick } from './ticks.js';

export interface SpectrogramOptions {
  /** Pixels of the whole picture, default 1000 x 480, at least 240 x 120, at most 8192 each. */
  width?: number;
  height?: number;
  /** How frequencies are spread: `mel` (default), as the ear does, or `linear`. */
  scale?: 'mel' | 'linear';
  /** Level of the brightest colour in dB; 0 is a sine of full scale. Default: the loudest spot, rounded up to 10 dB. */
  topDb?: number;
  /** How far below {@link topDb} the darkest colour lies, dB; what is quieter looks the same. Default 80. */
  rangeDb?: number;
}

/** Entries of the palette above the colour scale. */
const STEPS = 250;
const PAPER = STEPS;
const INK = STEPS + 1;
const MARGIN = { left: 96, right: 124, top: 16, bottom: 36 };
const BAR = { gap: 12, width: 14 };
const TICK = 5;

interface Plot {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * A picture of a sound's spectrum over time as a PNG file: time in seconds to the right, frequency in hertz upwards, a
 * bar that tells which colour is how loud. Works for any length, nothing at all included; runs in a browser.
 * @param samples mono; what is not a finite number counts as 0
 * @param sampleRate samples a second
 * @throws RangeError for a rate or size that no picture can have
 */
export async function spectrogramPng(
  samples: Float32Array,
  sampleRate: number,
  options: SpectrogramOptions = {},
): Promise<Uint8Array> {
  const width = Math.round(checked('width', options.width ?? 1000, 240, 8192));
  const height = Math.round(checked('height', options.height ?? 480, 120, 8192));
  const rate = checked('sample rate', sampleRate, 1, 1e9);
  const range = checked('range in dB', options.rangeDb ?? 80, 1, 400);
  const mel = (options.scale ?? 'mel') === 'mel';
  const plot: Plot = {
    x: MARGIN.left,
    y: MARGIN.top,
    width: width - MARGIN.left - MARGIN.right,
    height: height - MARGIN.top - MARGIN.bottom,
  };
  const levels = spectrogramLevels(samples, rate, { rows: plot.height, columns: plot.width, mel });
  const top = options.topDb === undefined ? loudest(levels) : checked('top in dB', options.topDb, -400, 1000);
  const canvas = new Canvas(width, height, PAPER);
  drawLevels(canvas, plot, levels, top, range);
  drawTime(canvas, plot, samples.length / rate);
  drawFrequencies(canvas, plot, rate, mel);
  drawBar(canvas, plot, top, range);
  const { encode } = await import('fast-png');
  const palette = [...colourScale(STEPS), [255, 255, 255], [40, 40, 40]];
  return encode({ width, height, data: canvas.pixels, depth: 8, channels: 1, palette }, { zlib: { level: 6 } });
}

function checked(what: string, value: number, least: number, most: number): number {
  if (value >= least && value <= most) return value;
  throw new RangeError(`the ${what} of a spectrogram lies from ${least} to ${most}, not at ${value}`);
}

/** The loudest spot, rounded up to 10 dB; 0 for silence. */
function loudest(levels: Levels): number {
  let max = Number.NEGATIVE_INFINITY;
  for (const level of levels.data) if (level > max) max = level;
  return max <= -160 ? 0 : Math.ceil(max / 10) * 10 || 0;
}

function drawLevels(canvas: Canvas, plot: Plot, levels: Levels, top: number, range: number): void {
  for (let y = 0; y < plot.height; y++) {
    const row = (plot.y + y) * canvas.width + plot.x;
    for (let x = 0; x < plot.width; x++) {
      const share = 1 + (levels.data[y * plot.width + x] - top) / range;
      canvas.pixels[row + x] = Math.round(Math.min(1, Math.max(0, share)) * (STEPS - 1));
    }
  }
}

function drawTime(canvas: Canvas, plot: Plot, seconds: number): void {
  const bottom = plot.y + plot.height;
  // Labels of long sounds are wider: 100 pixels each leave room for 7 characters.
  const ticks = evenTicks(0, seconds, Math.max(2, Math.floor(plot.width / 100)), secondsLabel);
  for (const { value, label } of ticks) {
    const x = plot.x + (seconds > 0 ? Math.round((value / seconds) * (plot.width - 1)) : 0);
    canvas.fill(x, bottom, 1, TICK, INK);
    const room = canvas.width - textWidth(label) / 2 - 2;
    canvas.text(label, Math.min(x, room), bottom + TICK + 4 + TEXT_HEIGHT / 2, 'middle', INK);
  }
}

function drawFrequencies(canvas: Canvas, plot: Plot, rate: number, mel: boolean): void {
  const room = TEXT_HEIGHT + 6;
  const most = Math.max(2, Math.floor(plot.height / (2 * room)));
  const named = mel
    ? roundFrequencies(rate / 2).map((hz): Tick => ({ value: hz, label: hertzLabel(hz) }))
    : evenTicks(0, rate / 2, most, hertzLabel);
  const taken: number[] = [];
  for (const { value, label } of named) {
    const y = plot.y + Math.round((1 - hzToAxis(value, rate, mel)) * (plot.height - 1));
    if (taken.some((other) => Math.abs(other - y) < room)) continue;
    taken.push(y);
    canvas.fill(plot.x - TICK, y, TICK, 1, INK);
    canvas.text(label, plot.x - TICK - 4, y, 'right', INK);
  }
}

function drawBar(canvas: Canvas, plot: Plot, top: number, range: number): void {
  const x = plot.x + plot.width + BAR.gap;
  for (let y = 0; y < plot.height; y++) {
    canvas.fill(x, plot.y + y, BAR.width, 1, Math.round((1 - y / (plot.height - 1)) * (STEPS - 1)));
  }
  const most = Math.max(2, Math.floor(plot.height / 40));
  for (const { value, label } of evenTicks(top - range, top, most, (db) => `${db} dB`)) {
    const y = plot.y + Math.round(((top - value) / range) * (plot.height - 1));
    canvas.fill(x + BAR.width, y, TICK, 1, INK);
    canvas.text(label, x + BAR.width + TICK + 4, y, 'left', INK);
  }
}
