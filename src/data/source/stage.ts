/** The stage that looks into files: what they are, how long, and where long ones are to be cut. */
import { probeAudio, streamMono16k } from '../../audio/index.js';
import { BagpiperError, messageOf, ServerError } from '../../errors.js';
import {
  type AudioReference,
  type Clip,
  type JsonObject,
  RecordError,
  SetAside,
  type Stage,
  type StageContext,
} from '../types.js';
import { Places, unreadable } from './bytes.js';
import { cutsOf, Levels } from './cuts.js';
import type { Found } from './found.js';

/** A file that was looked into: a clip, or several where it is cut. */
export interface Heard extends Clip {
  /** what it is by its content, as in "flac" */
  format: string;
  /** seconds from the file's beginning where it is cut */
  cuts?: number[];
}

export interface FileSettings {
  /** longest clip in seconds; longer sounds are cut. Default 30 */
  maxSeconds?: number;
  /** what was listed, for the manifest alone */
  sources?: string[];
}

/** Shorter sounds say nothing. */
const SHORTEST = 0.05;

export class FileStage implements Stage<Found, Heard> {
  readonly spec;
  readonly hears = true;
  private readonly longest: number;

  /** @throws BagpiperError for a length that makes no sense */
  constructor(
    { maxSeconds = 30, sources }: FileSettings = {},
    private readonly places = new Places(),
  ) {
    if (!(maxSeconds >= 1 && maxSeconds <= 3600)) {
      throw new BagpiperError(`The longest clip is ${maxSeconds} s; 1 to 3600 is accepted.`);
    }
    this.longest = maxSeconds;
    this.spec = { stage: 'files', settings: { maxSeconds, ...(sources && { sources }) } satisfies JsonObject };
  }

  async process(found: Found, { signal }: StageContext): Promise<Heard> {
    const { id, uri, start, end, ...known } = found;
    try {
      const probe = await this.places.withBytes(uri, probeAudio, signal);
      if (probe.kind === 'other') {
        throw new SetAside({
          kind: 'not_sound',
          message: `${uri} is ${probe.label ?? 'no sound file that is known'}.`,
        });
      }
      const { format, seconds } = probe;
      const part = start === undefined ? {} : { start, ...(end === undefined ? {} : { end }) };
      const span = seconds === undefined ? undefined : spanOf(part, seconds, uri);
      // Cutting needs to hear it; so does a length that no header tells.
      const heard = span && span.seconds <= this.longest ? span : await this.hear(uri, part, signal);
      if (heard.seconds < SHORTEST) throw new SetAside({ kind: 'empty', message: `${uri} has no sound in it.` });
      const { cuts, reference, ...rest } = heard;
      return {
        id,
        audio: { uri, ...reference },
        ...rest,
        format,
        ...known,
        ...(cuts && cuts.length > 0 ? { cuts } : {}),
      };
    } catch (error) {
      if (error instanceof SetAside || error instanceof ServerError) throw error;
      signal.throwIfAborted();
      const said = error instanceof BagpiperError ? error : unreadable(uri, error);
      throw new RecordError({ kind: 'unreadable', message: messageOf(said) });
    }
  }

  /** Decodes a sound, holding a second of it and its levels. */
  private async hear(uri: string, part: Part, signal: AbortSignal): Promise<Span> {
    const { path, free } = await this.places.path(uri, signal);
    try {
      const levels = new Levels();
      const from = Math.round((part.start ?? 0) * 16_000);
      const to = part.end === undefined ? Number.POSITIVE_INFINITY : Math.round(part.end * 16_000);
      let at = 0;
      for await (const samples of streamMono16k(path, { chunkSeconds: 1, signal, name: uri })) {
        levels.push(samples.subarray(Math.max(0, from - at), Math.max(0, Math.min(samples.length, to - at))));
        at += samples.length;
        if (at >= to) break;
      }
      const span = spanOf(part, at / 16_000, uri);
      const cuts = cutsOf(levels.values(), levels.seconds, this.longest);
      const shift = part.start ?? 0;
      return { ...span, cuts: cuts.map((time) => rounded(time + shift)) };
    } finally {
      await free();
    }
  }

  async close(): Promise<void> {}
}

type Part = Pick<AudioReference, 'start' | 'end'>;

interface Span {
  seconds: number;
  reference: Part;
  cuts?: number[];
}

/** A part of a file, as far as the file goes. @param seconds of the file */
function spanOf({ start, end }: Part, seconds: number, uri: string): Span {
  if (start === undefined) return { seconds: rounded(seconds), reference: {} };
  const to = Math.min(end ?? seconds, seconds);
  if (to <= start) {
    const message = `${uri} lasts ${rounded(seconds)} s, and the part begins at ${start} s.`;
    throw new SetAside({ kind: 'outside', message });
  }
  return { seconds: rounded(to - start), reference: { start, end: rounded(to) } };
}

/** To tenths of a millisecond. */
function rounded(seconds: number): number {
  return Math.round(seconds * 10_000) / 10_000;
}
