/** What a server answers, whole or as a stream of events, taken apart and checked. */
import { createParser } from 'eventsource-parser';
import { loadMono16k } from '../../audio/index.js';
import { type Completion, fault, type HttpAnswer, parseCompletion, textOf, wholeText } from '../../endpoints/index.js';
import { messageOf } from '../../errors.js';

/** Why it ended, and its counts where the server gives them. */
export interface Ending {
  /** the budget of tokens was used up */
  cutShort: boolean;
  promptTokens: number;
  completionTokens: number;
}

/** An answer that came in one piece. */
export interface WholeAnswer extends Ending {
  text: string;
  /** samples at 16 kHz; null where the server sent no sound */
  samples: Float32Array | null;
}

/** Reads an answer that comes in one piece. @throws Failure for one that is none */
export async function readWhole(where: string, answer: HttpAnswer, signal: AbortSignal): Promise<WholeAnswer> {
  const completion = parseCompletion(where, await wholeText(answer), answer.type, answer.discreet);
  const choice = completion.choices?.[0];
  const said = choice?.message;
  if (!choice || typeof said !== 'object' || said === null) {
    throw fault(where, 'the answer has no choices; is this a chat completion server?', 'elsewhere');
  }
  const ending = endingOf(choice.finish_reason, completion);
  const { audio } = said;
  const samples = audio ? await soundOf(where, audio.data, signal) : null;
  const transcript = typeof audio?.transcript === 'string' ? audio.transcript : '';
  return { ...ending, text: textOf(said.content) || transcript, samples };
}

/**
 * Reads an answer that comes as server-sent events; one in one piece is taken as well.
 *
 * @param tell called with each piece of text
 * @throws Failure for one that is none or that breaks off
 */
export async function readStream(
  where: string,
  answer: HttpAnswer,
  signal: AbortSignal,
  tell: (text: string) => void,
): Promise<Ending> {
  if (!/event-stream/i.test(answer.type)) {
    const { text, samples: _, ...ending } = await readWhole(where, answer, signal);
    if (text !== '') tell(text);
    return ending;
  }
  let ending: Ending | undefined;
  let usage: Completion['usage'];
  let finished: string | null | undefined;
  let choices = 0;
  for await (const data of eventsOf(answer.text)) {
    if (data === '[DONE]') {
      ending = endingOf(finished, { usage });
      break;
    }
    const piece = parseCompletion(where, data, 'application/json', answer.discreet);
    usage = piece.usage ?? usage;
    const choice = piece.choices?.[0];
    if (!choice) continue;
    choices++;
    finished = choice.finish_reason ?? finished;
    const text = textOf(choice.delta?.content);
    if (text !== '') tell(text);
  }
  // Some servers leave out the closing word.
  if (!ending && !finished) throw fault(where, 'the answer broke off before its end; try again.', 'here');
  if (choices === 0) throw fault(where, 'the answer has no choices; is this a chat completion server?', 'elsewhere');
  return ending ?? endingOf(finished, { usage });
}

/** The data of server-sent events. */
async function* eventsOf(text: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  const waiting: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => waiting.push(data) });
  for await (const piece of text) {
    parser.feed(piece);
    yield* waiting.splice(0);
  }
}

function endingOf(finish: string | null | undefined, { usage }: Completion): Ending {
  const count = (value: unknown): number => (typeof value === 'number' && value > 0 ? Math.floor(value) : 0);
  return {
    cutShort: finish === 'length',
    promptTokens: count(usage?.prompt_tokens),
    completionTokens: count(usage?.completion_tokens),
  };
}

/** Samples at 16 kHz of a WAV file in base64. */
async function soundOf(where: string, data: unknown, signal: AbortSignal): Promise<Float32Array | null> {
  if (typeof data !== 'string' || data === '') return null;
  const base64 = data.replace(/^data:[^,]{0,80},/, '').replace(/\s+/g, '');
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw fault(where, "the sound in the answer is cut off or no base64; look into the server's log.", 'elsewhere');
  }
  const bytes = new Uint8Array(Buffer.from(base64, 'base64'));
  const [riff, wave] = [bytes.subarray(0, 4), bytes.subarray(8, 12)].map((part) => String.fromCharCode(...part));
  if (riff !== 'RIFF' || wave !== 'WAVE') {
    throw fault(where, "the sound in the answer is no WAV file; look into the server's log.", 'elsewhere');
  }
  try {
    const { samples, warnings } = await loadMono16k(bytes, { name: 'the WAV file', signal });
    if (warnings.length > 0) throw new Error(warnings[0]);
    return samples;
  } catch (error) {
    signal.throwIfAborted();
    throw fault(where, `the sound in the answer is damaged (${messageOf(error)})`, 'elsewhere');
  }
}
