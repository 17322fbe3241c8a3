/** What the verbs take and give. */
import type { EngineInfo, GenerateStats } from '../engine/types.js';
import type { Novelty } from '../model/novelty.js';
import type { TextPart } from './parse.js';

/** Sound to hear: a file's path or bytes, samples at 16 kHz mono, or samples at another rate. */
export type AudioInput = string | Uint8Array | Float32Array | { samples: Float32Array; sampleRate: number };

export interface VerbOptions {
  /** whole number; equal requests with equal seeds give equal answers. Default 0 */
  seed?: number;
  /** temperature of what the verb makes (text for describe and ask, sound for render); 0 takes the likeliest */
  temperature?: number;
  /** how many of the likeliest tokens are drawn from, of the same */
  topK?: number;
  /** classifier-free guidance of the same: 1 is none */
  guidance?: number;
  /** what the model is told before all else, "" for nothing; default: what it was trained with */
  system?: string;
  /** ends the work; the reply then rejects with the signal's reason */
  signal?: AbortSignal;
}

export interface AskOptions extends VerbOptions {
  /**
   * 2 to 26 texts, one of which is to be the answer; they are listed behind the question as "(A) ... (B) ...", and the
   * answer has a `choice`
   */
  choices?: readonly string[];
}

export interface RenderOptions extends VerbOptions {
  /** the text is already a rich caption: make the sound at once, without thinking. Not behind servers, where it is a request */
  direct?: boolean;
  /** how long the sound shall last, above 0 up to 600; default: the model ends it. Not behind servers */
  seconds?: number;
  /**
   * So many takes are made, up to 100, with this seed and the ones after it; the model hears each, and the one is kept in which it hears
   * most of its caption. Default: as many as the model is used to (`info.takes`, 1 where it does not say), 1 at temperature 0; a single one is
   * not heard
   */
  takes?: number;
}

/** One of the choices that a question offered. */
export interface Choice {
  /** its place among them, from 0 on */
  index: number;
  text: string;
  /** the answer names it, by its words or its letter, and no other; else it is the likeliest of them */
  named: boolean;
  /** of each choice as the whole answer after the model's own thinking, all adding up to 1; missing where a server answers */
  probabilities?: number[];
}

/** A take of several: its seed makes it again alone. */
export interface Take {
  seed: number;
  /** how the model describes it; "" where there is nothing to hear */
  heard: string;
  /** how much that is like the take's own caption: chrF, from 0 to 1 */
  likeness: number;
}

/** What a verb tells while it works. */
export type VerbEvent =
  | { type: 'phase'; phase: 'queued' | 'encode' | 'prefill' | 'text' | 'audio' }
  /** more text of a part; the deltas of a part, joined, are the part of a well-formed answer */
  | { type: 'text'; part: TextPart; delta: string }
  /** more sound, samples at 16 kHz */
  | { type: 'audio'; samples: Float32Array }
  /** tokens of text or frames of sound made in this phase so far */
  | { type: 'progress'; rows: number }
  /** of several takes, some side by side, this is the earliest that is not finished, the first is 1; text and sound come when one has been chosen */
  | { type: 'take'; take: number; of: number };

/** Sound that was made. */
export interface RenderedAudio {
  samples: Float32Array;
  sampleRate: 16000;
}

/** A whole answer. Parts that a verb does not give are empty. */
export interface Parts {
  caption: string;
  thinking: string;
  answer: string;
  /** of a question with choices: the one that the answer comes to; missing where that cannot be told */
  choice?: Choice;
  audio: RenderedAudio | null;
  /** of several takes, the kept one's */
  seed: number;
  /** of several takes, all of them, in their order */
  takes?: Take[];
  stats: GenerateStats;
  /** how unlike the sounds of the model's training the heard sound is; missing where none was heard or the model cannot tell */
  novelty?: Novelty;
  /** what was odd about the input or the answer, one sentence each */
  warnings: string[];
}

/** A running verb: await it for the whole answer, or iterate over what happens. Leaving the loop early ends the work. */
export interface Reply extends PromiseLike<Parts>, AsyncIterable<VerbEvent> {}

/** A loaded model and its verbs. */
export interface Bagpiper {
  readonly info: EngineInfo;
  /** A rich caption of a sound. Sounds longer than the model takes at once (`info.maxInputSeconds`) are described in overlapping windows. */
  describe(audio: AudioInput, options?: VerbOptions): Reply;
  /** Answers a question about a sound, after a caption and thinking. Of sounds over 30 s the first 30 s are heard. */
  ask(audio: AudioInput, question: string, options?: AskOptions): Reply;
  /** Makes the sound that a text asks for, after thinking and a caption. */
  render(text: string, options?: RenderOptions): Reply;
  close(): Promise<void>;
}
