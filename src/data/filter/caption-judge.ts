/**
 * Judges of captions: one reads the caption alone, with the official workflow's fields; the other hears the sound too and says
 * how well both agree.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeWav, MODEL_RATE } from '../../audio/index.js';
import { BagpiperError, messageOf } from '../../errors.js';
import { askJson, type ChatExtras, type ChatSettings, openChat } from '../llm/index.js';
import type { ChatClient, ChatMessage } from '../llm/types.js';
import { PromptBook } from '../simulate/prompts.js';
import { Listener, Places } from '../source/index.js';
import {
  type AudioReference,
  type JsonObject,
  type Keyed,
  SetAside,
  type Stage,
  type StageContext,
  type StageSpec,
} from '../types.js';

/** Names of the stages, and so of their files in a run. */
export const JUDGE = 'judge-captions';
export const AGREE = 'judge-agreement';

export interface CaptionInput extends Keyed {
  caption: string;
}

export interface HeardInput extends CaptionInput {
  audio: AudioReference;
}

/** Field names are upstream's. */
export interface CaptionJudgement extends Keyed {
  audio_type: 'speech' | 'music' | 'sound_effects';
  is_pure_english: boolean;
  is_audio_focused: boolean;
  /** 1 to 5 */
  intelligibility_score: number;
  complexity_score: number;
  diversity_score: number;
}

export interface Agreement extends Keyed {
  /** 1 to 5 */
  agreement: number;
  invented: string[];
  missed: string[];
}

const SCORE: JsonObject = { type: 'integer', minimum: 1, maximum: 5 };
const WORDS: JsonObject = { type: 'array', items: { type: 'string' } };

const JUDGEMENT = {
  name: 'caption_judgement',
  schema: strict({
    audio_type: { type: 'string', enum: ['speech', 'music', 'sound_effects'] },
    is_pure_english: { type: 'boolean' },
    is_audio_focused: { type: 'boolean' },
    intelligibility_score: SCORE,
    complexity_score: SCORE,
    diversity_score: SCORE,
  }),
};

const AGREEMENT = { name: 'caption_agreement', schema: strict({ agreement: SCORE, invented: WORDS, missed: WORDS }) };

/** Judging asks for little and should come out the same. */
const TEMPERATURE = 0.1;
const MOST_TOKENS = 512;

/** @param folder a user's own prompts, `filter/judge.md` and so on in it; what is not there is taken from the package */
export function filterPrompts(folder?: string): PromptBook {
  const own: Record<string, string> = {};
  for (const name of ['judge', 'agreement']) {
    const path = folder && join(folder, 'filter', `${name}.md`);
    if (path && existsSync(path)) own[name] = readFileSync(path, 'utf8');
  }
  return new PromptBook(fileURLToPath(new URL('../../../prompts/filter', import.meta.url)), own);
}

/** What the spec of a judge's stage holds: all that makes it, so that workers can make it too. */
interface JudgeSettings {
  chat: ChatSettings;
  /** texts of the prompts, by name */
  prompts: Record<string, string>;
}

export type JudgeStage = Stage<CaptionInput, CaptionJudgement> | Stage<HeardInput, Agreement>;

export function judgeSpec(stage: typeof JUDGE | typeof AGREE, chat: ChatSettings, book: PromptBook): StageSpec {
  const name = PROMPTS[stage];
  const settings: JudgeSettings = { chat, prompts: { [name]: book.text(name) } };
  return { stage, settings: JSON.parse(JSON.stringify(settings)) as JsonObject };
}

/** The prompt of each stage. */
export const PROMPTS = { [JUDGE]: 'judge', [AGREE]: 'agreement' } as const;

/**
 * Opens a judge's stage, its language model and what it hears with.
 * @throws BagpiperError as openChat
 */
export async function openJudgeStage(
  spec: StageSpec,
  { env, ...extras }: ChatExtras & { env?: Readonly<Record<string, string | undefined>> } = {},
): Promise<{ stage: Stage<Keyed, Keyed>; model: string }> {
  const { chat, prompts } = spec.settings as unknown as JudgeSettings;
  const client = await openChat(chat, extras);
  const book = new PromptBook(undefined, prompts);
  const { model } = client;
  if (spec.stage === JUDGE) return { stage: captionJudge(spec, client, book) as Stage<Keyed, Keyed>, model };
  const listener = new Listener(new Places(env));
  return { stage: agreementJudge(spec, client, book, listener) as Stage<Keyed, Keyed>, model };
}

/** Judges captions by their text. */
function captionJudge(spec: StageSpec, client: ChatClient, prompts: PromptBook): Stage<CaptionInput, CaptionJudgement> {
  return {
    spec,
    async process({ id, caption }, context) {
      const messages = prompts.messages('judge', { caption });
      return { id, ...(await asked<Omit<CaptionJudgement, 'id'>>(client, messages, JUDGEMENT, context)) };
    },
    close: () => client.close(),
  };
}

/** Judges captions by their sound. */
function agreementJudge(
  spec: StageSpec,
  client: ChatClient,
  prompts: PromptBook,
  listener: Listener,
): Stage<HeardInput, Agreement> {
  return {
    spec,
    hears: true,
    async process({ id, caption, audio }, context) {
      const sound = { data: await wavOf(listener, audio, context.signal), format: 'wav' };
      const messages = prompts.messages('agreement', { caption }).map((message): ChatMessage => {
        if (message.role !== 'user' || typeof message.content !== 'string') return message;
        const text = { type: 'text' as const, text: message.content };
        return { role: 'user', content: [text, { type: 'input_audio', input_audio: sound }] };
      });
      return { id, ...(await asked<Omit<Agreement, 'id'>>(client, messages, AGREEMENT, context)) };
    },
    async close() {
      await client.close();
      await listener.close();
    },
  };
}

/** A clip as base64 of a WAV file. @throws SetAside for sound that cannot be read */
async function wavOf(listener: Listener, audio: AudioReference, signal: AbortSignal): Promise<string> {
  try {
    return Buffer.from(encodeWav(await listener.samples(audio, signal), MODEL_RATE)).toString('base64');
  } catch (error) {
    if (!(error instanceof BagpiperError)) throw error;
    throw new SetAside({ kind: 'sound_unreadable', message: messageOf(error) });
  }
}

async function asked<T>(
  client: ChatClient,
  messages: ChatMessage[],
  schema: { name: string; schema: JsonObject },
  context: StageContext,
): Promise<T> {
  const request = { messages, schema, temperature: TEMPERATURE, maxTokens: MOST_TOKENS };
  return (await askJson<T>(client, request, context)).value;
}

/** A schema whose fields are all required, and no others allowed, as strict structured outputs want it. */
function strict(properties: Record<string, JsonObject>): JsonObject {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
}
