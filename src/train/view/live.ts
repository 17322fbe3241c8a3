/** A training in a terminal, redrawn in place after each step; where that cannot be, single lines. */
import { join } from 'node:path';
import { curvesOf } from '../curves.js';
import type { Audition } from '../heard.js';
import { lineDue, type Progress, progressText } from '../progress.js';
import { fits, frame, type Paint } from './frame.js';
import { LogTail } from './log-tail.js';
import { columnsOf, fit } from './text.js';

/** Where it is drawn: standard error. */
export interface Terminal {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

export interface LiveOptions {
  /** of the terminal: TERM and NO_COLOR are read */
  env: Readonly<Record<string, string | undefined>>;
  paint: Paint;
  /** draw nothing */
  quiet?: boolean;
  /** milliseconds; a frame is drawn ten times a second at most */
  now?: () => number;
}

const PAUSE = 100;
/** As terminals that do not tell. */
const USUAL = { columns: 80, rows: 24 };

export class LiveView {
  private place = { number: 1, of: 1 };
  private tail: LogTail | undefined;
  private progress: Progress | undefined;
  private audition: Audition | undefined;
  /** what stands on the terminal, without colours */
  private drawn: string[] = [];
  private last = 0;
  private readonly resized = (): void => this.redraw();

  constructor(
    private readonly terminal: Terminal,
    private readonly options: LiveOptions,
  ) {
    if (this.inPlace) terminal.on?.('resize', this.resized);
  }

  stage({ number, of, folder }: { number: number; of: number; folder: string }): void {
    this.park();
    this.place = { number, of };
    this.tail = new LogTail(join(folder, 'log.jsonl'));
    this.progress = undefined;
  }

  heard(audition: Audition): void {
    this.audition = audition;
  }

  step(progress: Progress): void {
    this.progress = progress;
    if (this.options.quiet) return;
    if (this.terminal.isTTY !== true || this.options.env.TERM === 'dumb') {
      if (lineDue(progress)) this.terminal.write(`${progressText(progress)}\n`);
      return;
    }
    const now = this.now();
    if (now - this.last < PAUSE && progress.step < progress.steps) return;
    this.last = now;
    this.redraw();
  }

  /** Takes what is drawn away while others write: a warning, a question. */
  aside(write: () => void): void {
    if (this.drawn.length > 0) this.terminal.write(`${this.home()}\x1b[J`);
    this.drawn = [];
    write();
    this.redraw();
  }

  /** Leaves what is drawn where it is. */
  park(): void {
    if (this.drawn.length > 0) this.terminal.write('\n');
    this.drawn = [];
    this.progress = undefined;
  }

  close(): void {
    this.park();
    this.terminal.off?.('resize', this.resized);
  }

  private redraw(): void {
    const { terminal } = this;
    if (!this.progress || !this.inPlace) return;
    const size = { columns: terminal.columns || USUAL.columns, rows: terminal.rows || USUAL.rows };
    const lines = this.linesOf(this.progress, size, this.options.paint);
    const plain = this.linesOf(this.progress, size, (_, text) => text);
    // Lines are cleared behind what is written, not before: so nothing flickers.
    terminal.write(`${this.home()}${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`);
    this.drawn = plain;
  }

  private linesOf(progress: Progress, size: { columns: number; rows: number }, paint: Paint): string[] {
    // The kernel's own console has no braille.
    if (!fits(size) || this.options.env.TERM === 'linux') return [fit(progressText(progress), size.columns - 1)];
    this.tail?.refresh();
    const curves = curvesOf(this.tail?.lines ?? [], 400);
    return frame({ progress, ...this.place, curves, audition: this.audition }, size, paint);
  }

  /** To the first column of the first line drawn. A terminal that became narrower has broken lines in several. */
  private home(): string {
    const columns = this.terminal.columns || USUAL.columns;
    const rows = this.drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(columnsOf(line) / columns)), 0);
    return rows > 1 ? `\r\x1b[${rows - 1}A` : '\r';
  }

  private get inPlace(): boolean {
    const { terminal, options } = this;
    return terminal.isTTY === true && options.env.TERM !== 'dumb' && options.quiet !== true;
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}
