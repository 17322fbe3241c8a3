/** What every codec offers: the small model's own (nano.ts) and X-Codec stand behind the same interface. */

/** Sound to codes and back, at 16 kHz mono. Implementations run compiled graphs; call `release` when done. */
export interface Codec {
  /** samples of one frame at 16 kHz (X-Codec: 320, 50 frames a second) */
  readonly hop: number;
  readonly codebooks: number;
  /** codes of one codebook: 0 to this, without it */
  readonly codebookSize: number;
  /**
   * Frames on each side that a decoded frame depends on. Decoding a part of a code matrix with so many frames of context
   * on both sides, and cutting the context off afterwards, gives what decoding the whole would give.
   */
  readonly context: number;
  /** samples at 16 kHz -> codes [frames, codebooks], frames = ceil(samples / hop) or as the codec defines */
  encode(samples: Float32Array): Promise<Int32Array>;
  /** codes [frames, codebooks] -> frames * hop samples at 16 kHz */
  decode(codes: Int32Array): Promise<Float32Array>;
  release(): Promise<void>;
}
