/** A curve in braille characters: two by four dots a character. */
import type { Curves, Point } from '../curves.js';

/** Bits of the dots of a braille character, by row and column (Unicode, block "Braille Patterns"). */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
];
const BRAILLE = 0x2800;
/** Stands where a held-out loss is; one column wide in every terminal, and told from the curve without colour. */
export const HELD_MARK = 'o';

/** A canvas of `width` by `height` characters. */
class Canvas {
  private readonly cells: Uint8Array;

  constructor(
    private readonly width: number,
    height: number,
  ) {
    this.cells = new Uint8Array(width * height);
  }

  dot(x: number, y: number): void {
    this.cells[(y >> 2) * this.width + (x >> 1)] |= DOTS[y & 3][x & 1];
  }

  row(y: number): string[] {
    const cells = [...this.cells.subarray(y * this.width, (y + 1) * this.width)];
    return cells.map((bits) => (bits === 0 ? ' ' : String.fromCodePoint(BRAILLE + bits)));
  }
}

/**
 * The running mean as a line, held-out losses as {@link HELD_MARK}.
 *
 * @param width @param height in characters
 * @returns `height` lists of `width` single characters, the top one first; the largest loss lies in the top row of dots,
 *   the smallest in the lowest, the first step at the left, the last at the right
 */
export function brailleCurve({ mean, held, low, high, log }: Curves, width: number, height: number): string[][] {
  const canvas = new Canvas(width, height);
  const all = [...mean, ...held];
  const first = Math.min(...all.map(({ step }) => step));
  const last = Math.max(...all.map(({ step }) => step));
  const scale = log ? Math.log : (value: number): number => value;
  const part = (value: number, from: number, to: number): number => (to > from ? (value - from) / (to - from) : 0.5);
  const x = ({ step }: Point, size: number): number => Math.round(part(step, first, last) * (size - 1));
  const y = ({ loss }: Point, size: number): number =>
    Math.round((1 - part(scale(loss), scale(low), scale(high))) * (size - 1));
  let before: { x: number; y: number } | undefined;
  for (const point of mean) {
    const here = { x: x(point, 2 * width), y: y(point, 4 * height) };
    drawLine(canvas, before ?? here, here);
    before = here;
  }
  const rows = Array.from({ length: height }, (_, i) => canvas.row(i));
  for (const point of held) {
    rows[y(point, 4 * height) >> 2][x(point, 2 * width) >> 1] = HELD_MARK;
  }
  return rows;
}

function drawLine(canvas: Canvas, from: { x: number; y: number }, to: { x: number; y: number }): void {
  const count = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
  for (let i = 0; i <= count; i++) {
    const at = (a: number, b: number): number => Math.round(a + ((b - a) * i) / count);
    canvas.dot(at(from.x, to.x), at(from.y, to.y));
  }
}
