import { GLYPH_HEIGHT, GLYPH_WIDTH, glyph } from './font.js';

/** Where a text lies relative to the point that is named. */
export type Anchor = 'left' | 'middle' | 'right';

/** Every pixel of a letter becomes so many pixels wide and high. */
const ZOOM = 2;
const ADVANCE = (GLYPH_WIDTH + 1) * ZOOM;
export const TEXT_HEIGHT = GLYPH_HEIGHT * ZOOM;

/** A picture of palette entries. */
export class Canvas {
  /** `[height][width]`, row-major from the top */
  readonly pixels: Uint8Array;

  constructor(
    readonly width: number,
    readonly height: number,
    background: number,
  ) {
    this.pixels = new Uint8Array(width * height).fill(background);
  }

  /** A filled rectangle; what lies outside the picture is left out. */
  fill(x: number, y: number, width: number, height: number, entry: number): void {
    const left = Math.max(0, x);
    const right = Math.min(this.width, x + width);
    for (let row = Math.max(0, y); row < Math.min(this.height, y + height); row++) {
      if (left < right) this.pixels.fill(entry, row * this.width + left, row * this.width + right);
    }
  }

  /** A text whose left end, middle or right end is at `x` and whose vertical middle is at `y`. */
  text(text: string, x: number, y: number, anchor: Anchor, entry: number): void {
    const width = textWidth(text);
    let at = Math.round(anchor === 'left' ? x : anchor === 'middle' ? x - width / 2 : x - width);
    const top = Math.round(y - TEXT_HEIGHT / 2);
    for (const character of text) {
      glyph(character)?.forEach((ink, i) => {
        const row = Math.floor(i / GLYPH_WIDTH);
        if (ink) this.fill(at + (i % GLYPH_WIDTH) * ZOOM, top + row * ZOOM, ZOOM, ZOOM, entry);
      });
      at += ADVANCE;
    }
  }
}

/** Pixels that a text takes. */
export function textWidth(text: string): number {
  return text.length === 0 ? 0 : text.length * ADVANCE - ZOOM;
}
