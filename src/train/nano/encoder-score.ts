/**
 * What the encoder's heads hear of held-out clips. The facts are read off by the simplest rule there is, so that what a language
 * model's captions make of the same features can be set against it.
 */
import type { Scene } from '../../corpus/index.js';
import { scenePresence } from '../../corpus/words/caption.js';
import { ctcGreedy } from '../ctc.js';
import { editDistance } from './edit-distance.js';
import type { EncoderBatch, EncoderTrainer } from './encoder.js';
import { WORD_CLASSES, wordClasses } from './spoken.js';
import { TAG_COLUMNS, TAGS, tokenAt } from './tags.js';

/** Shares from 0 to 1; null where no clip has what is counted. */
export interface EncoderScores {
  /** tag F1 over all tokens and tags, at a threshold of one half */
  tagF1: number;
  /** clips in which speech, music and sound are all judged right: there where at least three tokens are tagged so */
  presence: number;
  /** word error rate of greedy CTC decoding */
  wer: number;
  /** F1 of the events that are tagged anywhere in a clip, each label once */
  events: number | null;
  /** turns of speech whose gender is the more likely one over the turn */
  gender: number | null;
  /** clips with music whose instruments are those with a mean probability of at least one half where music is heard, or the likeliest one */
  instruments: number | null;
  /** clips with music whose tempo, and whose mode, is the likeliest one where music is heard */
  tempo: number | null;
  mode: number | null;
}

const MUSIC = TAG_COLUMNS.get('music')!;
/** Tokens of a kind of sound from which on a clip has it. */
const PRESENT = 3;

/** Tags that begin with a word, by what follows it. */
const family = (prefix: string): ReadonlyMap<string, number> =>
  new Map(TAGS.flatMap((tag, i) => (tag.startsWith(prefix) ? [[tag.slice(prefix.length), i]] : [])));
const EVENTS = family('event ');
const INSTRUMENTS = family('instrument ');
const TEMPOS = family('tempo ');
const MODES = family('mode ');
const GENDERS = new Map(['woman', 'man'].map((gender) => [gender, TAG_COLUMNS.get(gender)!]));

/** The tags of one clip as the head scores them. */
class Heard {
  /** @param logits [tokens, TAGS.length] of this clip */
  constructor(
    private readonly logits: Float32Array,
    readonly tokens: number,
  ) {}

  /** Tokens that are tagged so. */
  where(tag: number): number[] {
    return Array.from({ length: this.tokens }, (_, t) => t).filter((t) => this.at(t, tag) > 0);
  }

  /** Mean probability of a tag over some tokens. */
  mean(tag: number, tokens: readonly number[]): number {
    return tokens.reduce((sum, t) => sum + 1 / (1 + Math.exp(-this.at(t, tag))), 0) / Math.max(1, tokens.length);
  }

  /** The one of some tags that all the tokens together speak for. */
  likeliest(tags: ReadonlyMap<string, number>, tokens: readonly number[]): string {
    const score = (tag: number) => tokens.reduce((sum, t) => sum + this.at(t, tag), 0);
    return [...tags].reduce((best, other) => (score(other[1]) > score(best[1]) ? other : best))[0];
  }

  private at(token: number, tag: number): number {
    return this.logits[token * TAGS.length + tag];
  }
}

/** Counts of what was right, of how many. */
class Share {
  private right = 0;
  private all = 0;

  add(right: boolean): void {
    this.right += Number(right);
    this.all++;
  }

  get value(): number | null {
    return this.all === 0 ? null : this.right / this.all;
  }
}

/** Counts of what was said, what is true, and what is both. */
class Overlap {
  private readonly counts = { said: 0, true: 0, both: 0 };

  add(said: boolean, is: boolean): void {
    this.counts.said += Number(said);
    this.counts.true += Number(is);
    this.counts.both += Number(said && is);
  }

  get f1(): number | null {
    const { said, true: is, both } = this.counts;
    return said + is === 0 ? null : (2 * both) / (said + is);
  }
}

export async function scoreEncoder(encoder: EncoderTrainer, batches: readonly EncoderBatch[]): Promise<EncoderScores> {
  const [tags, events] = [new Overlap(), new Overlap()];
  const [presence, gender, instruments, tempo, mode] = Array.from({ length: 5 }, () => new Share());
  let [errors, words] = [0, 0];
  for (const batch of batches) {
    const out = await encoder.forward(batch);
    const target = batch.inputs.tag_target.data as Float32Array;
    for (const { clip, start, tokens } of batch.spans) {
      const { scene } = clip;
      const own = <T extends Float32Array>(all: T, width: number) =>
        all.subarray(start * width, (start + tokens) * width);
      const logits = own(out.tags, TAGS.length);
      own(target, TAGS.length).forEach((is, i) => {
        tags.add(logits[i] > 0, is > 0);
      });
      const heard = new Heard(logits, tokens);
      presence.add(presenceRight(heard, scene));
      for (const [label, tag] of EVENTS)
        events.add(
          heard.where(tag).length > 0,
          scene.events.some((event) => event.label === label),
        );
      for (const turn of scene.speech) {
        const [from, to] = [tokenAt(turn.start), Math.min(tokens - 1, tokenAt(turn.end))];
        const spoken = Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
        gender.add(heard.likeliest(GENDERS, spoken) === scene.speakers[turn.speaker].gender);
      }
      if (scene.music) {
        const played = heard.where(MUSIC);
        instruments.add(sameSet(instrumentsIn(heard, played), scene.music.instruments));
        tempo.add(heard.likeliest(TEMPOS, played) === scene.music.tempo);
        mode.add(heard.likeliest(MODES, played) === scene.music.mode);
      }
      const labels = wordClasses(scene);
      errors += editDistance(ctcGreedy(own(out.words, WORD_CLASSES), tokens, WORD_CLASSES), labels);
      words += labels.length;
    }
  }
  return {
    tagF1: tags.f1 ?? 0,
    presence: presence.value ?? 0,
    wer: errors / Math.max(1, words),
    events: events.f1,
    gender: gender.value,
    instruments: instruments.value,
    tempo: tempo.value,
    mode: mode.value,
  };
}

function presenceRight(heard: Heard, scene: Scene): boolean {
  const truth = scenePresence(scene);
  return (['speech', 'music', 'sound'] as const).every(
    (kind) => truth[kind] === heard.where(TAG_COLUMNS.get(kind)!).length >= PRESENT,
  );
}

function instrumentsIn(heard: Heard, played: readonly number[]): string[] {
  const found = [...INSTRUMENTS].map(([name, tag]) => ({ name, mean: heard.mean(tag, played) }));
  const sure = found.filter(({ mean }) => mean >= 0.5);
  return (sure.length > 0 ? sure : [found.reduce((a, b) => (b.mean > a.mean ? b : a))]).map(({ name }) => name);
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean => [...a].sort().join() === [...b].sort().join();
