/**
 * The way back: dialogues that others wrote, taken into a run, to be judged and exported there. Dialogue files of ESPnet's recipe,
 * and what its inference leaves (`inference_rank0/results.json`: an object of id to messages).
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, resolve } from 'node:path';
import { BagpiperError, messageOf } from '../../errors.js';
import type { Inputs } from '../run/index.js';
import type { Variant } from '../simulate/flow.js';
import { idOf } from '../source/index.js';
import { type Dialogue, type JsonObject, type Keyed, type Message, SetAside, type Stage } from '../types.js';
import { wrongMessages } from './check.js';
import { jsonLines } from './stream.js';

/** A dialogue as a file has it. */
export interface ImportedDialogue extends Keyed {
  messages: unknown;
  metadata: JsonObject;
  /** paths of sounds count from its folder */
  file: string;
}

/** @throws BagpiperError (while iterating) for a file that is missing or of another kind */
export function dialogueRows(files: readonly string[]): Inputs<ImportedDialogue> {
  return async function* (wanted) {
    for (const file of files) {
      if (!existsSync(file)) throw new BagpiperError(`${file}: there is no such file; check the path.`);
      for await (const { id: given, messages, metadata } of rowsIn(file)) {
        const id = idOf(given);
        if (wanted(id)) yield { id, messages, metadata, file };
      }
    }
  };
}

interface Row {
  id: string;
  messages: unknown;
  metadata: JsonObject;
}

async function* rowsIn(file: string): AsyncGenerator<Row> {
  if (file.endsWith('.jsonl')) {
    for await (const { example_id, messages, metadata = {} } of jsonLines<{ example_id?: string } & Dialogue>(file)) {
      if (typeof example_id !== 'string') throw new BagpiperError(`${file} has a line without "example_id".`);
      yield { id: example_id, messages, metadata };
    }
    return;
  }
  let results: unknown;
  try {
    results = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new BagpiperError(`${file} is no JSON: ${messageOf(error)}.`);
  }
  if (typeof results !== 'object' || results === null || Array.isArray(results)) {
    throw new BagpiperError(`${file} is no object of ids and messages; dialogue files end in .jsonl.`);
  }
  for (const [id, messages] of Object.entries(results)) yield { id, messages, metadata: {} };
}

/** Makes dialogues of rows; what cannot be one is set aside, with why. */
export class DialogueImport implements Stage<ImportedDialogue, Dialogue> {
  readonly spec;

  /** @param variant whose stage they become results of */
  constructor(
    private readonly variant: Variant,
    files: readonly string[],
  ) {
    const settings: JsonObject = { by: 'import', files: files.map((file) => resolve(file)) };
    this.spec = { stage: `${variant}-dialogues`, settings };
  }

  async process({ id, messages: given, metadata, file }: ImportedDialogue): Promise<Dialogue> {
    const wrong = isTriplets(given) ? wrongMessages(given) : ['its messages are no list of [role, modality, content]'];
    if (wrong.length > 0)
      throw new SetAside({ kind: 'form', message: `The dialogue does not fit: ${wrong.join('; ')}.` });
    const messages = (given as Message[]).map(([role, modality, content]): Message => {
      const place = modality !== 'audio' || isAbsolute(content) ? content : resolve(dirname(file), content);
      return [role, modality, place];
    });
    const sounds = messages.filter(([, modality]) => modality === 'audio').map(([, , path]) => path);
    if (sounds.length !== 1) {
      throw new SetAside({
        kind: 'sounds',
        message: `The dialogue has ${sounds.length} sounds; exactly one is expected.`,
      });
    }
    // Speech is told apart by its group.
    const group: JsonObject = this.variant === 'tts' && metadata.group === undefined ? { group: 'general' } : {};
    return { id, messages, audio: { uri: sounds[0] }, metadata: { ...metadata, ...group } };
  }

  async close(): Promise<void> {}
}

const isTriplets = (value: unknown): value is Message[] =>
  Array.isArray(value) &&
  value.every((m: unknown) => Array.isArray(m) && m.length === 3 && m.every((part) => typeof part === 'string'));
