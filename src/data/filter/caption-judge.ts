/**
 * Judges of captions: one reads the caption alone, with the official workflow's fields; the other hears the sound too and says
 * how well both agree.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { askJson } from '../llm/index.js';
import type { ChatClient, ChatMessage } from '../llm/types.js';
import { PromptBook } from '../simulate/prompts.js';
import type { AudioReference, JsonObject, Keyed, Stage, StageContext } from '../types.js';

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

/** Encoded sound, as a request carries it. */
export type SoundReader = (audio: AudioReference, signal: AbortSignal) => Promise<{ data: string; format: string }>;

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

/** A stage that judges captions by their text. @param client is not closed by it */
export function captionJudge(client: ChatClient, prompts: PromptBook): Stage<CaptionInput, CaptionJudgement> {
  return {
    spec: { stage: JUDGE, settings: { model: client.model } },
    async process({ id, caption }, context) {
      const messages = prompts.messages('judge', { caption });
      return { id, ...(await asked<Omit<CaptionJudgement, 'id'>>(client, messages, JUDGEMENT, context)) };
    },
    close: async () => {},
  };
}

/** A stage that judges captions by their sound. @param client's model must hear; it is not closed by it */
export function agreementJudge(
  client: ChatClient,
  prompts: PromptBook,
  sound: SoundReader,
): Stage<HeardInput, Agreement> {
  return {
    spec: { stage: AGREE, settings: { model: client.model } },
    hears: true,
    async process({ id, caption, audio }, context) {
      const { data, format } = await sound(audio, context.signal);
      const messages = prompts.messages('agreement', { caption }).map((message): ChatMessage => {
        if (message.role !== 'user' || typeof message.content !== 'string') return message;
        const text = { type: 'text' as const, text: message.content };
        return { role: 'user', content: [text, { type: 'input_audio', input_audio: { data, format } }] };
      });
      return { id, ...(await asked<Omit<Agreement, 'id'>>(client, messages, AGREEMENT, context)) };
    },
    close: async () => {},
  };
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
