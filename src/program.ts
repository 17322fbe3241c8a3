/** What the programs behind `npm run` share: options read by name, numbers among them, and how they end. */
import { parseArgs } from 'node:util';
import { BagpiperError, messageOf } from './errors.js';

export interface OptionNames<Text extends string, Flag extends string> {
  /** options that take a text */
  text: readonly Text[];
  /** options that are there or not; `help` always is one of them */
  flags?: readonly Flag[];
  /** whether words without dashes are taken, see {@link Options.words} */
  words?: boolean;
}

export interface NumberRange {
  /** smallest number that is taken (default 1); with `above` it is not */
  least?: number;
  most?: number;
  /** numbers must be larger than `least`, not equal to it */
  above?: boolean;
  /** take fractions */
  fractions?: boolean;
}

/** The largest number that is taken where nothing else is said. */
const MOST = 1e6;

/** The options of one call. */
export class Options<Text extends string, Flag extends string = never> {
  private constructor(
    private readonly texts: Readonly<Partial<Record<string, string>>>,
    private readonly flags: ReadonlySet<string>,
    /** words without dashes */
    readonly words: readonly string[],
  ) {}

  /** @param argv without program and script @throws BagpiperError where an option is unknown or lacks its text */
  static read<Text extends string, Flag extends string = never>(
    argv: readonly string[],
    names: OptionNames<Text, Flag>,
  ): Options<Text, Flag> {
    const options = Object.fromEntries([
      ...names.text.map((name) => [name, { type: 'string' }] as const),
      ...(names.flags ?? []).map((name) => [name, { type: 'boolean' }] as const),
      ['help', { type: 'boolean', short: 'h' }] as const,
    ]);
    try {
      const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: names.words === true });
      const given = Object.entries(values);
      const texts = given.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
      const flags = given.flatMap(([name, value]) => (value === true ? [name] : []));
      return new Options(Object.fromEntries(texts), new Set(flags), positionals);
    } catch (error) {
      throw new BagpiperError(`${messageOf(error)}; see --help`);
    }
  }

  text(name: Text): string | undefined {
    return this.texts[name];
  }

  /** Names of the options with a text that were given. */
  get given(): readonly string[] {
    return Object.keys(this.texts);
  }

  has(name: Flag | 'help'): boolean {
    return this.flags.has(name);
  }

  /**
   * A number; where the option was not given `preset`.
   *
   * @throws BagpiperError where the text is no number, or one that is out of range
   */
  number<Preset extends number | undefined>(name: Text, preset: Preset, range: NumberRange = {}): number | Preset {
    const text = this.texts[name];
    if (text === undefined) return preset;
    const { least = 1, most = MOST, above = false, fractions = false } = range;
    const value = text.trim() === '' ? Number.NaN : Number(text);
    const inside = value <= most && (above ? value > least : value >= least);
    if (inside && (fractions || Number.isInteger(value))) return value;
    const kind = fractions ? 'a number' : 'a whole number';
    const from = above ? `above ${least}` : `from ${least}`;
    const to = most < MOST ? ` to ${most}` : above ? '' : ' on';
    throw new BagpiperError(`--${name} is "${text}"; give ${kind} ${from}${to}.`);
  }
}

/** Runs a program: what a user did wrong is one sentence and exit code 2, a defect its stack and 1, Ctrl-C 130. */
export function runProgram(main: () => Promise<void>): void {
  main().catch((error: unknown) => {
    if (error instanceof Error && error.name === 'AbortError') {
      process.stderr.write('Stopped; the same command goes on from here.\n');
      process.exitCode = 130;
      return;
    }
    const expected = error instanceof BagpiperError;
    process.stderr.write(`${expected ? messageOf(error) : error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = expected ? 2 : 1;
  });
}

/** Fires at Ctrl-C, once; the second one ends the process at once. */
export function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}
