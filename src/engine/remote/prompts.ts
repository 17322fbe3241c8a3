/** The words that models behind servers expect around a request. */
import type { Prompts } from '../types.js';
import type { ServerKind } from './options.js';

/**
 * The system turn of the published model's training requests for sound, word for word (Bagpiper demo page, CC BY-SA 4.0;
 * docs/licences.md): behind the server there is no sound without it.
 */
export const TRAINED_SYSTEM =
  'You are a helpful assistant that generates audio based on user requests. You can create various types of audio ' +
  'including sound effects, music, speech, ambient sounds, and any combination of these. When given a request, first ' +
  'think through what the user wants and how to create high-quality audio, then provide a detailed description of the ' +
  'audio you will generate.';

const DESCRIBE =
  'Describe this recording in full: what is said and by whom, every sound and when it comes, the music, the place, and ' +
  'how well it was recorded.';

/** Models of other kinds do not know the form of an answer by themselves. */
const ASK =
  'You hear a recording and are asked about it. Answer in three parts. First describe the recording in full: words, ' +
  'voices, sounds and their times, music, place, quality. Then write your reasoning between <think> and </think>. Last, ' +
  'after </think>, give the answer alone.';

const RENDER =
  'Make the sound that is asked for. Write your plan between <think> and </think>, then a full description of the sound, ' +
  'and give the sound itself as audio.';

export function promptsFor(kind: ServerKind): Prompts {
  return kind === 'bagpiper'
    ? { describe: DESCRIBE, render: TRAINED_SYSTEM }
    : { describe: DESCRIBE, ask: ASK, render: RENDER };
}
