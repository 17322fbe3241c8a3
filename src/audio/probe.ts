import { flacLength, mp3Length, oggLength, type RandomBytes, type SoundLength, wavLength } from './formats/lengths.js';
import { id3Length, type Kind, SNIFF_BYTES, sniff } from './formats/sniff.js';
import { MAX_RATE, MIN_RATE } from './types.js';

/** What the first bytes and headers of a file say about it. */
export type Probe =
  | {
      kind: 'sound';
      /** e.g. `wav`, `ogg opus`, `MP4 or M4A (AAC or ALAC)` */
      format: string;
      /** undefined where only decoding would tell */
      seconds?: number;
    }
  /** `label`: a name for it, if it is known */
  | { kind: 'other'; label?: string };

/**
 * Looks at a file without decoding it. What headers say may be wrong for damaged files.
 * Errors: those of `file.read`.
 */
export async function probeAudio(file: RandomBytes): Promise<Probe> {
  const head = await file.read(0, SNIFF_BYTES);
  if (head.length === 0) return { kind: 'other', label: 'an empty file' };
  const kind = sniff(head);
  if (kind.kind === 'other') return { kind: 'other', ...(kind.label === undefined ? {} : { label: kind.label }) };
  if (kind.kind === 'foreign') return { kind: 'sound', format: kind.label };
  const length = await lengthOf(file, kind, head);
  const known = length && length.samples > 0 && length.sampleRate >= MIN_RATE && length.sampleRate <= MAX_RATE;
  return { kind: 'sound', format: kind.kind, ...(known ? { seconds: length.samples / length.sampleRate } : {}) };
}

async function lengthOf(file: RandomBytes, { kind }: Kind, head: Uint8Array): Promise<SoundLength | undefined> {
  switch (kind) {
    case 'wav':
      return wavLength(file);
    case 'flac':
      return flacLength(file, id3Length(head));
    case 'mp3':
      return mp3Length(file);
    case 'ogg vorbis':
    case 'ogg opus':
    case 'ogg flac':
      return oggLength(file, kind);
    default:
      return undefined;
  }
}

export type { RandomBytes };
