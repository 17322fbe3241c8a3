/** What a terminal shows of what was written to it: line feeds, carriage returns, wrapping, and the few sequences in use. */
import type { Terminal } from '../../../src/train/view/live.js';

export class TerminalScreen implements Terminal {
  readonly isTTY = true;
  written = '';
  private lines: string[][] = [[]];
  private x = 0;
  private y = 0;
  private readonly listeners = new Set<() => void>();

  constructor(
    public columns: number,
    public rows: number,
  ) {}

  write(text: string): void {
    this.written += text;
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is about these
    for (const [piece, count, letter] of text.matchAll(/\x1b\[(\d*)([a-zA-Z])|[\s\S]/gu)) {
      if (letter !== undefined) this.obey(letter, Number(count || 1));
      else if (piece === '\n') this.feed();
      else if (piece === '\r') this.x = 0;
      else this.put(piece);
    }
  }

  on(_: 'resize', listener: () => void): void {
    this.listeners.add(listener);
  }

  off(_: 'resize', listener: () => void): void {
    this.listeners.delete(listener);
  }

  get watched(): boolean {
    return this.listeners.size > 0;
  }

  /** Lines that were too long for the new width are broken, as terminals do it; the cursor stays at the end. */
  resize(columns: number, rows: number): void {
    const broken = this.lines.flatMap((line) => {
      const text = line.join('').trimEnd();
      const parts = Math.max(1, Math.ceil(text.length / columns));
      return Array.from({ length: parts }, (_, i) => [...text.slice(i * columns, (i + 1) * columns)]);
    });
    [this.lines, this.columns, this.rows] = [broken, columns, rows];
    this.y = broken.length - 1;
    this.x = broken[this.y].length;
    for (const listener of this.listeners) listener();
  }

  get shown(): string[] {
    return this.lines.map((line) => line.join('').trimEnd());
  }

  private obey(letter: string, count: number): void {
    if (letter === 'A') this.y = Math.max(0, this.y - count);
    if (letter === 'K' || letter === 'J') this.lines[this.y].length = Math.min(this.x, this.lines[this.y].length);
    if (letter === 'J') this.lines.length = this.y + 1;
  }

  private feed(): void {
    this.x = 0;
    this.y++;
    this.lines[this.y] ??= [];
  }

  private put(character: string): void {
    if (this.x >= this.columns) this.feed();
    const line = this.lines[this.y];
    while (line.length < this.x) line.push(' ');
    line[this.x++] = character;
  }
}
