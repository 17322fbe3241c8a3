/** What a synthesizer says. */
export interface Utterance {
  /** mono, 16 kHz */
  samples: Float32Array;
  /** when each word of the text (what stands between spaces) is over, in seconds */
  wordEnds: number[];
}
