/** How likely other endings of a text that was just generated are: the model reads each from the same place on. */
import type { Model } from '../model/bagpiper.js';
import { allowedIds, type BagpiperConfig } from '../model/index.js';
import type { Tokenizer } from '../text/index.js';
import { FRAME_ROWS, single } from './generate.js';
import type { Lane } from './scheduler.js';
import type { Endings } from './types.js';

/** Where the generated text stands in its lane. */
export interface Written {
  /** rows before the assistant's */
  promptRows: number;
  /** rows of the text [n, num_stream] */
  rows: readonly Int32Array[];
}

/**
 * Natural logarithms of the probabilities of the endings: of their ids, and of an end after them, among all ids that text
 * may have, without temperature. The lane is left somewhere behind the prompt.
 *
 * @returns null where the text has no mark, or an ending has no room
 */
export async function endingScores(
  lane: Lane,
  { config, tokenizer }: Pick<Model, 'config' | 'tokenizer'>,
  { promptRows, rows }: Written,
  { after, texts }: Endings,
): Promise<number[] | null> {
  const ids = rows.map((row) => row[0] - config.text_token_offset);
  const place = placeAfter(ids, after, tokenizer);
  if (!place) return null;
  const endings = texts.map((text) => tokenizer.encode(place.rest + text));
  const start = promptRows + FRAME_ROWS + place.kept;
  if (start + Math.max(...endings.map((ending) => ending.length)) > config.max_position_embeddings) return null;
  // The row before the endings is fed once more: it gives the scores of their first ids.
  await lane.rewind(start - 1);
  const last = place.kept === 0 ? single(config, config.text_token_id) : rows[place.kept - 1];
  const first = (await lane.step(last, 'text')).text!;
  const scores: number[] = [];
  for (const ending of endings) {
    let score = 0;
    let logits = first;
    for (const id of ending) {
      score += logProbability(logits, [config.text_token_offset + id], config);
      logits = (await lane.step(single(config, config.text_token_offset + id), 'text')).text!;
    }
    scores.push(score + logProbability(logits, [config.eos_token_id, config.eot_token_id], config));
    await lane.rewind(start);
  }
  return scores;
}

/** How many ids come before the place behind the last mark, and the text between the last of them and that place. */
function placeAfter(ids: readonly number[], mark: string, tokenizer: Tokenizer): { kept: number; rest: string } | null {
  const pieces = ids.map((id) => tokenizer.tokenBytes(id) ?? new Uint8Array(0));
  const bytes = Buffer.concat(pieces);
  const at = bytes.lastIndexOf(mark);
  if (at < 0) return null;
  let place = at + Buffer.byteLength(mark);
  while (WHITE.has(bytes[place])) place++;
  let [kept, before] = [0, 0];
  while (kept < pieces.length && before + pieces[kept].length <= place) before += pieces[kept++].length;
  return { kept, rest: bytes.toString('utf8', before, place) };
}

/** Bytes of white space. */
const WHITE = new Set(Buffer.from(' \t\r\n'));

/** The logarithm of the probability that one of some ids comes next, of all that may. */
function logProbability(logits: Float32Array, ids: readonly number[], config: BagpiperConfig): number {
  const allowed = allowedIds(config, 'text', 1, 1)[0].flatMap(({ start, end }) => [...logits.subarray(start, end)]);
  return logSum(ids.map((id) => logits[id])) - logSum(allowed);
}

function logSum(values: readonly number[]): number {
  const most = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  return most + Math.log(values.reduce((sum, x) => sum + Math.exp(x - most), 0));
}
