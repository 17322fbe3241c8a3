/**
 * How a rendered file was made, kept in the file itself: JSON in a WAV file's ICMT chunk or a FLAC file's COMMENT. It holds
 * all that is needed to make the sound again.
 */
import { BagpiperError } from '../errors.js';

/** What a rendered file says of itself. */
export interface Provenance {
  /** `hash`: its first 16 hexadecimal digits; "" for a model at a `server`, whose address stands there */
  model: { name: string; hash: string; server?: string };
  /** the request, or the caption with `direct` */
  text: string;
  direct: boolean;
  seed: number;
  temperature: number;
  topK: number;
  guidance: number;
  /** what the model was told first, where it was not what it was trained with */
  system?: string;
  /** how long the sound was to last, where that was said */
  seconds?: number;
  /** the caption that the sound was made after */
  caption: string;
}

/** @returns texts for a WAV file's INFO chunk */
export function wavMetadata(provenance: Provenance, version: string): Record<string, string> {
  return { ICMT: JSON.stringify(provenance), ISFT: `bagpiper ${version}` };
}

/** @returns Vorbis comments for a FLAC file */
export function flacMetadata(provenance: Provenance, version: string): Record<string, string> {
  return { COMMENT: JSON.stringify(provenance), ENCODER: `bagpiper ${version}` };
}

/** Reads what {@link wavMetadata} or {@link flacMetadata} wrote. @throws BagpiperError when the file tells nothing of that kind */
export async function readProvenance(file: string): Promise<Provenance> {
  const { readWavMetadata } = await import('../audio/index.js');
  const { readFlacComments } = await import('../audio/flac-comments.js');
  const comment = (await readWavMetadata(file)).ICMT ?? (await readFlacComments(file)).COMMENT;
  const provenance = comment === undefined ? undefined : parse(comment);
  if (!provenance) {
    throw new BagpiperError(
      `${file}: it does not say how it was made; --replay takes a WAV or FLAC file that "bagpiper render" wrote.`,
    );
  }
  return provenance;
}

function parse(comment: string): Provenance | undefined {
  let json: unknown;
  try {
    json = JSON.parse(comment);
  } catch {
    return undefined;
  }
  const p = json as Provenance | null;
  const numbers = [p?.seed, p?.temperature, p?.topK, p?.guidance].every((x) => typeof x === 'number');
  const texts = [p?.text, p?.caption, p?.model?.name, p?.model?.hash].every((x) => typeof x === 'string');
  const length = p?.seconds === undefined || typeof p.seconds === 'number';
  const optional = [p?.system, p?.model?.server].every((x) => x === undefined || typeof x === 'string');
  return p && numbers && texts && optional && length && typeof p.direct === 'boolean' ? p : undefined;
}
