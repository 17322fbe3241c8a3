/** The command line in this process, with streams that remember what was written to them. */
import { PassThrough, Writable } from 'node:stream';
import { run } from '../../src/cli/main.js';
import type { Io } from '../../src/cli/screen.js';

/** A stream that keeps everything. */
export class Recorder extends Writable {
  private readonly pieces: Uint8Array[] = [];

  constructor(readonly isTTY = false) {
    super({ decodeStrings: true });
  }

  override _write(piece: Uint8Array, _encoding: string, done: () => void): void {
    this.pieces.push(piece);
    done();
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get text(): string {
    return this.bytes.toString('utf8');
  }
}

export interface Typed {
  /** what is piped in; without it standard input is a terminal */
  stdin?: string | Uint8Array;
  /** standard output and error are a terminal */
  tty?: boolean;
  env?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Shown {
  code: number;
  out: string;
  bytes: Uint8Array;
  err: string;
  /** lines of stderr */
  complaints: string[];
}

/** Types a command and waits for it. */
export async function bagpiper(argv: readonly string[], typed: Typed = {}): Promise<Shown> {
  const { stdin, tty = false, env = {}, signal = new AbortController().signal } = typed;
  const input: Io['stdin'] = Object.assign(new PassThrough(), { isTTY: stdin === undefined });
  if (stdin !== undefined) (input as PassThrough).end(stdin);
  const stdout = new Recorder(tty);
  const stderr = new Recorder(tty);
  const code = await run(argv, { stdin: input, stdout, stderr, env }, signal);
  const complaints = stderr.text.split('\n').filter((line) => line !== '');
  return { code, out: stdout.text, bytes: stdout.bytes, err: stderr.text, complaints };
}
