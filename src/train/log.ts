/**
 * The log of a run, `log.jsonl`: one JSON object a line, one line a step, nothing that depends on the clock, so that a
 * run which was killed and continued ends with the very same bytes.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from 'node:fs';
import { BagpiperError, messageOf } from '../errors.js';

/** A line of the log. Validation results (`onStep`) and the network's other scalars stand beside these. */
export interface LogLine extends Record<string, unknown> {
  /** steps done, this one included: 1 is the first */
  step: number;
  /** training loss of this step's batch, before the update; null where it was not finite */
  loss: number | null;
  /** learning rate of the update */
  rate: number;
  /** global norm of the gradients before clipping */
  norm: number | null;
  /** what the batch held, padding left out (tokens, frames or seconds, as the run counts) */
  tokens: number;
  /** true where a gradient was not finite and nothing was updated */
  skipped?: true;
}

const NEWLINE = 10;

export class RunLog {
  private constructor(
    private readonly path: string,
    private readonly descriptor: number,
    private length: number,
  ) {}

  /**
   * Opens the log, or starts one.
   *
   * @param keep bytes that belong to the steps done; what lies beyond is dropped, those steps are done again. A log that
   *   is shorter (the machine lost power, or somebody cut it) keeps its whole lines.
   * @throws BagpiperError where the file cannot be opened
   */
  static open(path: string, keep: number): RunLog {
    try {
      const descriptor = openSync(path, existsSync(path) ? 'r+' : 'wx+');
      const size = fstatSync(descriptor).size;
      const length = size >= keep ? keep : wholeLines(descriptor, size);
      ftruncateSync(descriptor, length);
      return new RunLog(path, descriptor, length);
    } catch (error) {
      throw new BagpiperError(
        `${path} cannot be opened: ${messageOf(error)}. Choose an output folder that can be written.`,
      );
    }
  }

  /** @throws BagpiperError where the disk is full */
  append(line: LogLine): void {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    try {
      let done = 0;
      while (done < bytes.length) {
        done += writeSync(this.descriptor, bytes, done, bytes.length - done, this.length + done);
      }
    } catch (error) {
      throw new BagpiperError(
        `${this.path} could not be written: ${messageOf(error)}. Free some space and start the run again; it continues from its last checkpoint.`,
      );
    }
    this.length += bytes.length;
  }

  /** Bytes so far, all of them on the disk: a checkpoint must not speak of lines that a power failure could still take. */
  flush(): number {
    fsyncSync(this.descriptor);
    return this.length;
  }

  close(): void {
    closeSync(this.descriptor);
  }
}

/** Bytes up to the last newline. */
function wholeLines(descriptor: number, size: number): number {
  const bytes = new Uint8Array(size);
  readSync(descriptor, bytes, 0, size, 0);
  return bytes.lastIndexOf(NEWLINE) + 1;
}

/** The lines of a log, in order. A half-written last line, as a kill leaves it, is left out. */
export function readLog(path: string): LogLine[] {
  return parseLog(readFileSync(path, 'utf8'));
}

/** See {@link readLog}. */
export function parseLog(jsonl: string): LogLine[] {
  const whole = jsonl.slice(0, jsonl.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as LogLine);
}
