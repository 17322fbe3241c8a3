/** Conversations as the grid's rows: tokenized, heard and encoded once, built anew for every step with its own condition dropout. */
import { BagpiperError } from '../../errors.js';
import {
  type BagpiperConfig,
  buildRows,
  drawKeptMessage,
  dropConditions,
  type Message,
  type TokenGrid,
} from '../../model/index.js';
import { Random } from '../../random.js';
import type { Tokenizer } from '../../text/index.js';
import { type Ears, SoundTooLong } from './heard.js';
import type { Conversation, DataSource, SoundPlace, Turn } from './types.js';

/** A sample's rows, with the encoder features of each of its continuous spans. */
export interface BuiltSample {
  grid: TokenGrid;
  features: Float32Array[];
}

/** A sample that cannot be learned, and why, in a sentence. */
export interface LeftOut {
  id: string;
  why: string;
}

/** A message whose words are ids and whose sound lies in the cache. */
type Prepared = { role: Message['role']; ids: Int32Array } | { role: Message['role']; sound: SoundPlace; rows: number };

export interface PrepareOptions {
  ears: Ears;
  tokenizer: Tokenizer;
  config: BagpiperConfig;
  /** rows of a pack: what is longer cannot be learned */
  rows: number;
  signal?: AbortSignal;
  onProgress?: (done: number, count: number) => void;
}

export class SampleSet {
  private constructor(
    private readonly samples: readonly Prepared[][],
    /** rows of each sample */
    readonly lengths: readonly number[],
    /** scored rows of all samples as a part of all their rows: text with end rows, and codec rows */
    readonly scored: { text: number; codes: number },
    readonly hears: boolean,
    /** samples that are too long, with why */
    readonly left: readonly LeftOut[],
    private readonly options: PrepareOptions,
  ) {}

  /**
   * Tokenizes texts, and lets the model listen to every sound.
   *
   * @throws BagpiperError for sounds that cannot be read, and where no sample fits a row; the signal's reason
   */
  static async prepare(conversations: readonly Conversation[], options: PrepareOptions): Promise<SampleSet> {
    const { rows, config, signal } = options;
    const kept: Prepared[][] = [];
    const lengths: number[] = [];
    const left: LeftOut[] = [];
    const counts = { all: 0, text: 0, codes: 0 };
    let hears = false;
    for (const [i, { id, turns }] of conversations.entries()) {
      signal?.throwIfAborted();
      const prepared = await prepareAll(turns, options);
      if ('why' in prepared) left.push({ id, why: prepared.why });
      else {
        const grid = buildRows(shapesOf(prepared, config), config, { mode: 'train' });
        if (grid.length > rows) left.push({ id, why: `It takes ${grid.length} places; a row has ${rows}.` });
        else {
          kept.push(prepared);
          lengths.push(grid.length);
          hears ||= grid.continuous.length > 0;
          countScored(grid, counts);
        }
      }
      options.onProgress?.(i + 1, conversations.length);
    }
    if (kept.length === 0) {
      throw new BagpiperError(
        `No sample fits ${rows} places; set "rows" higher, or shorten texts and sounds. "${left[0].id}": ${left[0].why}`,
      );
    }
    const scored = { text: counts.text / counts.all, codes: counts.codes / counts.all };
    return new SampleSet(kept, lengths, scored, hears, left, options);
  }

  /** A sample; `draw` seeds whether its condition is dropped. */
  build(index: number, draw: string): BuiltSample {
    const { config, ears } = this.options;
    const prepared = this.samples[index];
    const messages = prepared.map((turn): Message => {
      if ('ids' in turn) return { role: turn.role, modality: 'text', textIds: turn.ids };
      if (turn.role === 'assistant') return { role: turn.role, modality: 'audio', codes: ears.codes(turn.sound) };
      return { role: turn.role, modality: 'audio', frames: turn.rows };
    });
    const grid = buildRows(messages, config, { mode: 'train' });
    const kept = drawKeptMessage(grid, config, new Random(draw));
    if (kept !== null) return { grid: dropConditions(grid, kept), features: [] };
    const heard = grid.continuous.map(({ message }) => prepared[message]);
    return { grid, features: heard.flatMap((turn) => ('sound' in turn ? [ears.features(turn.sound)] : [])) };
  }
}

async function prepareAll(turns: readonly Turn[], options: PrepareOptions): Promise<Prepared[] | { why: string }> {
  const prepared: Prepared[] = [];
  try {
    for (const turn of turns) prepared.push(await prepareTurn(turn, options));
  } catch (error) {
    if (error instanceof SoundTooLong) return { why: error.message };
    throw error;
  }
  return prepared;
}

async function prepareTurn(turn: Turn, { tokenizer, ears }: PrepareOptions): Promise<Prepared> {
  if ('text' in turn) return { role: turn.role, ids: tokenizer.encode(turn.text) };
  const side = turn.role === 'assistant' ? 'codes' : 'features';
  return { role: turn.role, sound: turn.sound, rows: await ears.listen(turn.sound, side) };
}

/** Messages of the right lengths, for counting: codes are zeros. */
function shapesOf(prepared: readonly Prepared[], config: BagpiperConfig): Message[] {
  return prepared.map((turn) => {
    if ('ids' in turn) return { role: turn.role, modality: 'text', textIds: turn.ids };
    if (turn.role !== 'assistant') return { role: turn.role, modality: 'audio', frames: turn.rows };
    return { role: turn.role, modality: 'audio', codes: new Int32Array(turn.rows * config.num_stream) };
  });
}

function countScored(grid: TokenGrid, counts: { all: number; text: number; codes: number }): void {
  const streams = grid.ids.length / grid.length;
  counts.all += grid.length;
  for (let t = 1; t < grid.length; t++) {
    if (grid.lossMask[t * streams] > 0) counts.text++;
    if (streams > 1 && grid.lossMask[t * streams + 1] > 0) counts.codes++;
  }
}

/**
 * Which conversations a pass shows, in order: each source as often as its factor says; of the fraction a seeded part, the
 * same in every pass, as upstream does.
 */
export function shownOf(
  sources: readonly { source: DataSource; conversations: Conversation[] }[],
  seed: string,
): Conversation[] {
  return sources.flatMap(({ source, conversations }, i) => {
    const whole = Math.floor(source.factor);
    const rest = Math.floor((source.factor - whole) * conversations.length);
    const part = new Random(`${seed}/part/${i}`).shuffle(conversations).slice(0, rest);
    return [...Array.from({ length: whole }, () => conversations).flat(), ...part];
  });
}
