/** Sound as samples: one array a channel, nominal range -1 to 1 (float files may go beyond). */
export interface AudioData {
  /** `[channels][samples]`, all of one length */
  channels: Float32Array[];
  /** samples a second */
  sampleRate: number;
  /** what the content turned out to be, e.g. `wav (16-bit)`, `flac`, `mp3`, `ogg vorbis`, `ogg opus` */
  format: string;
  /** length in seconds */
  seconds: number;
  /** what was wrong with the file but could be worked around, one sentence each */
  warnings: string[];
}

/** Sound as the model wants it. */
export interface MonoAudio {
  /** mono, 16 kHz, not clipped: values beyond 1 are possible where the source has them */
  samples: Float32Array;
  /** samples a second of the source */
  originalRate: number;
  /** channels of the source */
  originalChannels: number;
  /** length in seconds */
  seconds: number;
  /** as in {@link AudioData} */
  warnings: string[];
}

/** What every reading function accepts. */
export interface ReadOptions {
  /** Stop after so many seconds and say so in a warning. Default: two hours. */
  maxSeconds?: number;
  /** How the source is called in messages; default: its path, or "the audio data". */
  name?: string;
  /** Stops reading; the call then rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** A piece of decoded sound. */
export interface Block {
  /** `[channels][samples]`, all of one length */
  channels: Float32Array[];
  sampleRate: number;
}

/** A decoder that is fed a file piece by piece and gives sound piece by piece. */
export interface PushDecoder {
  /** e.g. `wav (16-bit)`; settled once the first block is out */
  readonly format: string;
  /** Sentences (without the file's name) about damage that was worked around; complete after {@link end}. */
  readonly warnings: string[];
  /** Takes the next bytes; gives what can be decoded by now, piece by piece. To be iterated to the end before the next call. */
  push(bytes: Uint8Array): AsyncIterable<Block>;
  /** No more bytes: gives what was held back. */
  end(): AsyncIterable<Block>;
  /** Releases memory outside the JavaScript heap. Safe to call twice. */
  free(): void;
}

/** A codec inside Ogg. */
export interface PacketDecoder {
  /** Takes a header or sound packet; gives the samples in it, undefined for none. Throws on a damaged packet. */
  decode(packet: Uint8Array): Promise<Block | undefined>;
  /** whether all headers came */
  readonly ready: boolean;
  /** samples at the start that are not part of the sound, as far as granule positions go */
  readonly preSkip: number;
  free(): void;
}

/** Rates that are believed; anything else is taken for a damaged header. */
export const MIN_RATE = 1000;
export const MAX_RATE = 1_536_000;
/** More channels than this are taken for a damaged header. */
export const MAX_CHANNELS = 64;
