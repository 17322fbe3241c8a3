/**
 * From a conversation to the token grid: rows of `num_stream` ids with their loss mask. A row is one time step:
 * `<bos>`, then for each message `<role>`, `<modality>`, its content and one end row.
 */
import { BagpiperError } from '../errors.js';
import type { BagpiperConfig } from './config.js';
import { delayInterleave } from './delay.js';
import { type ContentKind, contentKind, type Message } from './messages.js';
import { modalityId, roleId, textId } from './vocabulary.js';

/** Rows that take encoder vectors instead of embeddings. */
export interface ContinuousSpan {
  /** Index into the messages. */
  message: number;
  start: number;
  length: number;
}

/** Where one message's content lies. Its role row is two rows earlier, its end row follows the content. */
export interface Segment {
  message: number;
  kind: ContentKind;
  contentStart: number;
  contentLength: number;
  /** `eot`: the same role goes on; `eos`: the turn ends. */
  endToken: 'eos' | 'eot';
}

/** The grid of one sample. */
export interface TokenGrid {
  /** Rows. */
  length: number;
  /** Ids, `[length, num_stream]`. */
  ids: Int32Array;
  /** Loss weight of each id as a target, `[length, num_stream]`; 0 where it is not learned. */
  lossMask: Float32Array;
  continuous: ContinuousSpan[];
  segments: Segment[];
}

/** `train`: all messages. `inference`: the messages before the first one of the assistant. */
export interface BuildOptions {
  mode: 'train' | 'inference';
}

/**
 * Builds the rows of a conversation.
 *
 * @throws BagpiperError where a text id, a code or a number of frames does not fit the model.
 */
export function buildRows(messages: readonly Message[], config: BagpiperConfig, options: BuildOptions): TokenGrid {
  const firstAnswer = messages.findIndex((message) => message.role === 'assistant');
  const used = options.mode === 'inference' && firstAnswer >= 0 ? messages.slice(0, firstAnswer) : messages;
  const segments = layOut(used, config);
  const last = segments.at(-1);
  const length = last === undefined ? 1 : last.contentStart + last.contentLength + 1;
  const grid: TokenGrid = {
    length,
    ids: new Int32Array(length * config.num_stream),
    lossMask: new Float32Array(length * config.num_stream),
    continuous: [],
    segments,
  };
  grid.ids[0] = config.bos_token_id;
  for (const segment of segments) writeMessage(grid, segment, used[segment.message], config);
  return grid;
}

/** Rows that a message's content takes. */
export function contentRows(message: Message, config: BagpiperConfig): number {
  if (message.modality === 'text') return message.textIds.length;
  if ('codes' in message) {
    if (message.role !== 'assistant')
      throw new BagpiperError('Audio codes belong to the assistant; give other roles frames.');
    return Math.floor(message.codes.length / config.num_stream) + config.num_stream - 1;
  }
  if (!Number.isInteger(message.frames) || message.frames < 0) {
    throw new BagpiperError(`An audio message has ${message.frames} frames; a whole number from 0 is expected.`);
  }
  return message.frames;
}

function layOut(messages: readonly Message[], config: BagpiperConfig): Segment[] {
  let row = 1;
  return messages.map((message, index) => {
    const contentLength = contentRows(message, config);
    const contentStart = row + 2;
    row = contentStart + contentLength + 1;
    const endToken = messages[index + 1]?.role === message.role ? 'eot' : 'eos';
    return { message: index, kind: contentKind(message), contentStart, contentLength, endToken };
  });
}

function writeMessage(grid: TokenGrid, segment: Segment, message: Message, config: BagpiperConfig): void {
  const streams = config.num_stream;
  const { contentStart, contentLength } = segment;
  const weight = message.role === 'assistant' ? 1 : 0;
  const put = (row: number, id: number): void => {
    grid.ids[row * streams] = id;
    grid.lossMask[row * streams] = weight;
  };
  put(contentStart - 2, roleId(config, message.role));
  put(contentStart - 1, modalityId(config, message.modality));
  put(contentStart + contentLength, segment.endToken === 'eot' ? config.eot_token_id : config.eos_token_id);
  if (message.modality === 'text') {
    for (let i = 0; i < contentLength; i++) put(contentStart + i, textId(config, message.textIds[i]));
  } else if ('codes' in message) {
    grid.ids.set(delayInterleave(message.codes, config), contentStart * streams);
    for (let i = 0; i < contentLength; i++) grid.lossMask.set(config.stream_weights, (contentStart + i) * streams);
  } else {
    grid.continuous.push({ message: segment.message, start: contentStart, length: contentLength });
  }
}
