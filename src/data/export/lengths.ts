/**
 * Lengths of rows as upstream counts them, for its batches: 1 + the sum over messages of 3 + content. Formulas:
 * docs/data-export.md, "Lengths".
 */
import { encoderTokens } from '../../model/index.js';
import type { Tokenizer } from '../../text/index.js';
import type { Message } from '../types.js';

/** Qwen3-Omni's encoder as upstream trains with it: chunks of 100 mel frames. */
const ENCODER = { n_window: 50 };
/** X-Codec's samples a frame, and the streams whose delay adds rows. */
const HOP = 320;
const STREAMS = 8;
/** Samples of a mel frame. */
const MEL_HOP = 160;

/** Rows of a text. Control tokens in it count as upstream's tokenizer takes them: as one. */
export const textRows = (text: string, tokenizer: Tokenizer): number =>
  tokenizer.encode(text, { addedTokens: 'all' }).length;

/** Rows of sound that is heard. @param samples at 16 kHz */
export const heardRows = (samples: number): number => encoderTokens(Math.floor(samples / MEL_HOP), ENCODER);

/** Rows of sound that is answered. @param samples at 16 kHz */
export const answeredRows = (samples: number): number => Math.floor(samples / HOP) + STREAMS - 1;

/** Rows of a whole conversation. @param samples of the sound that a message names, at 16 kHz */
export function conversationRows(
  messages: readonly Message[],
  samples: (path: string) => number,
  tokenizer: Tokenizer,
): number {
  return messages.reduce((rows, [role, modality, content]) => {
    if (modality === 'text') return rows + 3 + textRows(content, tokenizer);
    return rows + 3 + (role === 'assistant' ? answeredRows : heardRows)(samples(content));
  }, 1);
}
