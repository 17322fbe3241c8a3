/** What an engine is asked and what it answers: the contract between tasks/ above and the local or a remote engine below. */
import type { Modality, Novelty, Role, SegmentDefaults } from '../model/index.js';
import type { Device } from '../runtime/index.js';

/** One message of a conversation, in people's terms: text, or sound as samples at 16 kHz mono. */
export type EngineMessage =
  | { role: Role; modality: 'text'; text: string }
  | { role: Role; modality: 'audio'; samples: Float32Array };

export interface GenerateRequest {
  messages: EngineMessage[];
  /** the order of segments that the answer must follow; what comes after it the model chooses */
  segments: Modality[];
  /** overrides of the model's decoding defaults */
  text?: Partial<SegmentDefaults>;
  audio?: Partial<SegmentDefaults>;
  /** asks how likely other endings of the answer's text are; servers do not tell */
  endings?: Endings;
  /** whole number; equal requests with equal seeds give equal answers */
  seed: number;
  signal?: AbortSignal;
}

/** Texts that might stand where an answer's first segment, which is text, goes on after a mark. */
export interface Endings {
  /** where they begin: after the last of these marks in the text and the white space behind it */
  after: string;
  texts: readonly string[];
}

/** Events arrive in the order in which things happen; `end` is the last one. */
export type EngineEvent =
  /**
   * `queued` only where the request must wait for others or for a server, `encode` (input sound to features), `prefill`
   * (reading the prompt), then one `segment` event each
   */
  | { type: 'phase'; phase: 'queued' | 'encode' | 'prefill' }
  | { type: 'segment'; index: number; modality: Modality }
  /** more text of the present segment; deltas joined are the whole */
  | { type: 'text'; segment: number; delta: string }
  /** more sound of the present segment, samples at 16 kHz; joined they are the whole */
  | { type: 'audio'; segment: number; samples: Float32Array }
  /** rows generated so far in this segment, for progress */
  | { type: 'progress'; segment: number; rows: number }
  /**
   * `endings`: of each ending asked for, the natural logarithm of the probability of its ids and of an end after them; missing
   * where the text has no such mark or there is no room. `warnings`: what was odd, one sentence each; `novelty`: how unlike the sounds of its training what was heard is, where
   * sound was heard and the model knows
   */
  | {
      type: 'end';
      segments: FinishedSegment[];
      stats: GenerateStats;
      endings?: readonly number[];
      warnings?: readonly string[];
      novelty?: Novelty;
    };

export interface FinishedSegment {
  modality: Modality;
  /** why it ended: an end token, or the step limit (then the content may be cut off) */
  endedBy: 'eos' | 'eot' | 'max_step';
  /** rows generated, the end row left out */
  rows: number;
  text?: string;
  samples?: Float32Array;
}

/** Counts are 0 where the engine cannot know them. */
export interface GenerateStats {
  promptRows: number;
  textTokens: number;
  audioFrames: number;
  /** wall-clock seconds of the phases */
  seconds: { encode: number; prefill: number; text: number; audio: number; codec: number };
}

/** Words of its own that a model expects around a request. */
export interface Prompts {
  /** user's text after a sound to be described; missing: none */
  describe?: string;
  /** system's text before a sound and a question; missing: none */
  ask?: string;
  /** system's text before a request for sound, "" for none; missing: what the small model was trained with */
  render?: string;
}

/** What every engine tells of itself; numbers are 0 where it cannot know them, as with a server. */
export interface EngineInfo {
  /** where the model comes from: a folder or an address */
  source: string;
  name: string;
  /** first 16 hexadecimal digits of the model's hash; "" where the engine cannot know it */
  hash: string;
  parameters: number;
  threads: number;
  /** where a model in a folder runs; missing for a server */
  device?: Device;
  codec: { hop: number; codebooks: number } | null;
  /** longest input clip in seconds that one request may hold */
  maxInputSeconds: number;
  /** decoding defaults */
  text: SegmentDefaults;
  audio: SegmentDefaults;
  /** sounds made of a request, of which one is kept; missing: 1 */
  takes?: number;
  prompts?: Prompts;
  /** sound comes only after text of its own, so a caption cannot be rendered without thinking */
  soundNeedsText?: boolean;
}

/** Generates answers. Several `generate` calls may run at once; they never mix (docs/engine.md). */
export interface Engine {
  readonly info: EngineInfo;
  /**
   * Starts when the first event is asked for. Leaving the loop early cancels the request; so does `signal`, whose reason
   * is then thrown.
   */
  generate(request: GenerateRequest): AsyncIterable<EngineEvent>;
  /** Ends running requests with an error and frees everything. */
  close(): Promise<void>;
}
