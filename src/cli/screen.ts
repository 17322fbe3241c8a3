/**
 * What the user sees. Results go to stdout and nothing else does; progress, warnings and errors go to stderr. On a
 * terminal text is shown as it comes, under headings and in colour; into a pipe only whole results are written.
 */
import type { TextPart } from '../tasks/parse.js';

/** A stream to write to; `isTTY` where it is a terminal. */
export type Output = NodeJS.WritableStream & { isTTY?: boolean; columns?: number; rows?: number };

/** The outside of a command: what `main` takes from the process and tests put in its place. */
export interface Io {
  stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
}

export interface ScreenOptions {
  /** no progress, no warnings */
  quiet?: boolean;
  /** details, and stack traces of errors */
  verbose?: boolean;
}

type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green';
const STYLES: Record<Style, readonly [number, number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
};
const HEADINGS: Record<TextPart, string> = { caption: 'Caption', thinking: 'Thinking', answer: 'Answer' };

export class Screen {
  /** stdout is a terminal: text is shown as it comes */
  readonly live: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  private part: TextPart | undefined;
  private progressShown = false;
  private lastProgress = '';

  constructor(
    private readonly io: Io,
    options: ScreenOptions = {},
  ) {
    this.live = io.stdout.isTTY === true;
    this.quiet = options.quiet === true;
    this.verbose = options.verbose === true;
  }

  /** A result; the line end is added. Rejects when stdout takes no more (disk full, reader gone). */
  async result(text: string): Promise<void> {
    this.endText();
    await this.write(`${text}\n`);
  }

  /** Text or bytes to stdout as they are. */
  async write(data: string | Uint8Array): Promise<void> {
    this.clearProgress();
    await new Promise<void>((resolve, reject) => {
      this.io.stdout.write(data, (error?: Error | null) => (error ? reject(error) : resolve()));
    });
  }

  /** More text of an answer's part, on a terminal only. */
  text(part: TextPart, delta: string): void {
    if (!this.live) return;
    this.clearProgress();
    let lead = '';
    let words = printable(delta);
    if (this.part !== part) {
      words = words.trimStart();
      lead = `${this.part === undefined ? '' : '\n\n'}${this.paint('bold', HEADINGS[part], this.io.stdout)}\n`;
      this.part = part;
    }
    this.io.stdout.write(lead + (part === 'thinking' ? this.paint('dim', words, this.io.stdout) : words));
  }

  /** Text that was shown as it came is over. */
  endText(): void {
    if (this.part === undefined) return;
    this.part = undefined;
    this.io.stdout.write('\n');
  }

  /** What is going on: one line on stderr that the next one replaces; on a terminal only. */
  progress(text: string): void {
    if (this.quiet || this.io.stderr.isTTY !== true || this.part !== undefined || text === this.lastProgress) return;
    const line = text.slice(0, (this.io.stderr.columns || 80) - 1);
    this.io.stderr.write(`\r\x1b[K${this.paint('dim', line)}`);
    this.progressShown = true;
    this.lastProgress = text;
  }

  clearProgress(): void {
    if (!this.progressShown) return;
    this.io.stderr.write('\r\x1b[K');
    this.progressShown = false;
    this.lastProgress = '';
  }

  /** Something odd that the user should know. */
  warn(text: string): void {
    if (!this.quiet) this.say(`${this.paint('yellow', 'warning:')} ${oneLine(text)}`);
  }

  /** For people who look on, where stderr is a terminal or `--verbose` was given. */
  note(text: string): void {
    if (!this.quiet && (this.verbose || this.io.stderr.isTTY === true)) this.say(this.paint('dim', oneLine(text)));
  }

  /** Something that was asked for beside the result; not with `--quiet`. */
  announce(text: string): void {
    if (!this.quiet) this.say(oneLine(text));
  }

  /** With `--verbose` only. */
  detail(text: string): void {
    if (this.verbose) this.say(this.paint('dim', oneLine(text)));
  }

  error(text: string): void {
    this.say(`${this.paint('red', 'bagpiper:')} ${oneLine(text)}`);
  }

  /** A stack trace, as it is. */
  trace(text: string): void {
    this.say(text);
  }

  /** Colour where the stream is a terminal and NO_COLOR is not set (no-color.org). @param stream default: stderr */
  paint(style: Style, text: string, stream: Output = this.io.stderr): string {
    const { env } = this.io;
    if (stream.isTTY !== true || env.NO_COLOR || env.TERM === 'dumb') return text;
    const [on, off] = STYLES[style];
    return `\x1b[${on}m${text}\x1b[${off}m`;
  }

  /** As {@link paint}, for results. */
  style(style: Style, text: string): string {
    return this.paint(style, text, this.io.stdout);
  }

  private say(line: string): void {
    this.endText();
    this.clearProgress();
    this.io.stderr.write(`${line}\n`);
  }
}

/** Text that cannot steer a terminal: without control characters but for line ends and tabs. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}

function oneLine(text: string): string {
  return printable(text.replace(/\s+/g, ' ')).trim();
}
