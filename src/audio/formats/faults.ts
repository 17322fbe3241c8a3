/**
 * What decoders throw, as a noun phrase without the file's name ("a WAV file without a data chunk"); `decode.ts` makes
 * a sentence for the user out of it.
 */
export class DamagedAudio extends Error {
  override readonly name = 'DamagedAudio';
}

/** A sound format that is known by sight but not decoded here. */
export class UnsupportedAudio extends Error {
  override readonly name = 'UnsupportedAudio';
}
