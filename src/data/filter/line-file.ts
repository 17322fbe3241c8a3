/** Files of lines, written through a buffer and renamed when they are whole. */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { BagpiperError, messageOf } from '../../errors.js';

/** A file of lines that gets its name when it is whole. */
export class LineFile {
  private readonly aside: string;
  private readonly descriptor: number;
  private readonly buffer = Buffer.allocUnsafeSlow(2 ** 18);
  private used = 0;
  private open = true;

  constructor(private readonly path: string) {
    this.aside = `${path}.part`;
    try {
      this.descriptor = openSync(this.aside, 'w');
    } catch (error) {
      throw new BagpiperError(`${path} cannot be written: ${messageOf(error)}; choose another folder.`);
    }
  }

  put(line: string): void {
    const size = Buffer.byteLength(line);
    if (!this.room(size)) {
      this.write(Buffer.from(`${line}\n`));
      return;
    }
    this.used += this.buffer.write(line, this.used);
    this.buffer[this.used++] = 10;
  }

  putBytes(line: Buffer): void {
    if (!this.room(line.length)) {
      this.write(Buffer.concat([line, Buffer.from('\n')]));
      return;
    }
    this.used += line.copy(this.buffer, this.used);
    this.buffer[this.used++] = 10;
  }

  finish(): void {
    this.write(this.buffer.subarray(0, this.used));
    fsyncSync(this.descriptor);
    closeSync(this.descriptor);
    this.open = false;
    renameSync(this.aside, this.path);
  }

  abandon(): void {
    if (!this.open) return;
    this.open = false;
    closeSync(this.descriptor);
    rmSync(this.aside, { force: true });
  }

  /** Makes room for a line and its end; false where it is longer than the buffer. */
  private room(size: number): boolean {
    if (this.used + size < this.buffer.length) return true;
    this.write(this.buffer.subarray(0, this.used));
    this.used = 0;
    return size < this.buffer.length;
  }

  private write(bytes: Uint8Array): void {
    let done = 0;
    try {
      while (done < bytes.length) done += writeSync(this.descriptor, bytes, done);
    } catch (error) {
      throw new BagpiperError(`${this.path} cannot be written: ${messageOf(error)}; free some space.`);
    }
  }
}
