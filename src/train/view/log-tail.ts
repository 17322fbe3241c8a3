/** A log that grows: its lines so far, of which only what is new is read. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { LogLine } from '../log.js';

const NEWLINE = 10;

export class LogTail {
  lines: LogLine[] = [];
  /** when the log was last written, milliseconds; 0 where there is none yet */
  written = 0;
  private read = 0;
  private file = 0;

  constructor(readonly path: string) {}

  /**
   * Reads what was added. A log that was cut back, as a run that continues does it, is read anew; a half-written last
   * line waits until it is whole, and a line that is no JSON object with a step is passed over.
   *
   * @returns whether the lines are others now
   */
  refresh(): boolean {
    let descriptor: number;
    try {
      descriptor = openSync(this.path, 'r');
    } catch {
      const had = this.lines.length > 0;
      this.forget(0);
      return had;
    }
    try {
      const { size, ino, mtimeMs } = fstatSync(descriptor);
      this.written = mtimeMs;
      const had = this.lines.length;
      if (size < this.read || ino !== this.file) this.forget(ino);
      const bytes = Buffer.alloc(size - this.read);
      const got = readSync(descriptor, bytes, 0, bytes.length, this.read);
      const whole = bytes.subarray(0, got).lastIndexOf(NEWLINE) + 1;
      this.read += whole;
      for (const line of bytes.toString('utf8', 0, whole).split('\n')) {
        const parsed = parseLine(line);
        if (parsed) this.lines.push(parsed);
      }
      return whole > 0 || this.lines.length < had;
    } finally {
      closeSync(descriptor);
    }
  }

  private forget(file: number): void {
    this.lines = [];
    this.read = 0;
    this.file = file;
  }
}

function parseLine(line: string): LogLine | undefined {
  try {
    const parsed = JSON.parse(line) as LogLine | null;
    return typeof parsed?.step === 'number' ? parsed : undefined;
  } catch {
    return undefined;
  }
}
