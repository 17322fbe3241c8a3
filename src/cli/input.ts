/** What a command reads: sound from a file or a pipe, text from a pipe. */
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { BagpiperError } from '../errors.js';
import type { Context } from './context.js';

/** More than this is not taken from a pipe. */
const MAX_SOUND = 1 << 30;
const MAX_TEXT = 16 << 20;

/**
 * A sound argument as the verbs take it: a path, or the bytes of a pipe. Its start is decoded, so that a wrong file is
 * found before a model is loaded.
 * @throws BagpiperError when there is no sound in it
 */
export async function soundInput(file: string, context: Context): Promise<string | Uint8Array> {
  const source = await soundSource(file, context);
  const { streamMono16k } = await import('../audio/index.js');
  const name = file === '-' ? 'standard input' : file;
  const start = streamMono16k(source, { maxSeconds: 0.1, chunkSeconds: 0.1, signal: context.signal, name });
  for await (const _ of start) break;
  return source;
}

async function soundSource(file: string, context: Context): Promise<string | Uint8Array> {
  if (file === '-') return readPipe(context, MAX_SOUND, 'sound');
  const stats = statSync(file, { throwIfNoEntry: false });
  // A named pipe, as in <(...), can be read once only.
  return stats?.isFIFO() ? readFile(file) : file;
}

/** The text on standard input. @throws BagpiperError when it is no text, or a terminal is there instead of a pipe */
export async function textInput(context: Context): Promise<string> {
  const bytes = await readPipe(context, MAX_TEXT, 'text');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new BagpiperError('Standard input is no UTF-8 text; a caption or a request is expected there.');
  }
}

async function readPipe({ io, signal }: Context, most: number, what: string): Promise<Uint8Array> {
  const { stdin } = io;
  if (stdin.isTTY) throw new BagpiperError(`Nothing is piped into standard input; pipe ${what} into the command.`);
  const pieces: Uint8Array[] = [];
  let size = 0;
  const stop = (): void => {
    (stdin as { destroy?: (error: Error) => void }).destroy?.(new Error('interrupted'));
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    for await (const piece of stdin) {
      const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
      size += bytes.length;
      if (size > most) {
        throw new BagpiperError(`Standard input holds more than ${most / 2 ** 20} MB of ${what}; pipe less of it.`);
      }
      pieces.push(bytes);
    }
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (size === 0) throw new BagpiperError(`Standard input is empty; pipe ${what} into the command.`);
  return Buffer.concat(pieces, size);
}
