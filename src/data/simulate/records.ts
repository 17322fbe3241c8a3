/** Assembly: dialogue records from what the steps made, and the rules that a finished record must pass. No model is asked. */
import { generationText, parseGeneration, parseUnderstanding, understandingText } from '../../tasks/index.js';
import type { Dialogue, JsonObject, Message } from '../types.js';
import type { Understood } from './answers.js';
import { demand, of, type Rule } from './rules.js';
import { occurs, trimmed } from './text.js';
import { claimsOnlyQuotes, keepsQuotes, latinOnly, noTags } from './text-rules.js';
import { THINKING_RULES, type Thinking } from './thinking.js';
import type { Spoken } from './tts-plan.js';

/** What the rules of a record look at. */
export interface RecordCase {
  dialogue: Dialogue;
  /** the roles and modalities, in order, that the form asks for */
  order: readonly string[];
  /** request or question */
  request: string;
  caption: string;
  thinking: string;
  answer: string;
  /** words that must stand in the caption, letter for letter */
  spoken: readonly string[];
}

/** Orders of messages (data workflow of the ESPnet recipe). A system turn may be left out where a model had none. */
const GENERATION = ['system text', 'user text', 'assistant text', 'assistant audio'];
const UNDERSTANDING = ['user audio', 'user text', 'assistant text'];
const SPEECH = ['user text', 'assistant text', 'assistant audio'];

export const RECORD_RULES: readonly Rule<RecordCase>[] = [
  {
    name: 'record_order',
    broken({ dialogue, order }) {
      const given = dialogue.messages.map(([role, modality]) => `${role} ${modality}`).join(', ');
      const without = order.filter((one) => one !== 'system text').join(', ');
      return given === order.join(', ') || given === without
        ? null
        : `The record's messages are ${given}; ${order.join(', ')} are expected.`;
    },
  },
  {
    name: 'record_empty',
    broken({ dialogue, request, caption }) {
      if (request.trim() === '') return 'The record has an empty request.';
      if (caption.trim() === '') return 'The record has an empty caption.';
      return dialogue.messages.every(([, , content]) => content.trim() !== '')
        ? null
        : 'A message of the record is empty.';
    },
  },
  {
    name: 'record_form',
    broken({ dialogue, caption, thinking, answer }) {
      const told = dialogue.messages.find(([role, modality]) => role === 'assistant' && modality === 'text')?.[2] ?? '';
      const back = answer === '' ? { ...parseGeneration(told), answer: '' } : parseUnderstanding(told);
      const same =
        back.caption === caption.trim() && back.thinking === thinking.trim() && back.answer === answer.trim();
      return same ? null : "The assistant's text does not come apart into the parts that it was made of.";
    },
  },
  {
    name: 'record_audio',
    broken({ dialogue }) {
      const sound = dialogue.messages.find(([, modality]) => modality === 'audio')?.[2];
      return sound === dialogue.audio.uri
        ? null
        : `The record's sound is ${sound}, but its clip's is ${dialogue.audio.uri}.`;
    },
  },
  {
    name: 'placeholder_left',
    broken({ dialogue }) {
      const left = dialogue.messages
        .map(([, , content]) => /\[(?:TEXT|LYRICS)\]|\{\{\w+\}\}/.exec(content)?.[0])
        .find(Boolean);
      return left === undefined ? null : `A placeholder ${left} was left in the record.`;
    },
  },
  of(({ caption }) => caption, noTags('The caption')),
  of(({ caption }) => caption, latinOnly('The caption')),
  {
    name: 'spoken_missing',
    broken({ caption, spoken }) {
      const lost = spoken.find((words) => !occurs(words, caption));
      return lost === undefined ? null : `The caption must hold the words '${trimmed(lost)}' exactly.`;
    },
  },
];

/** Rules of generation records on top: the request's quotations are the caption's, and the thinking is in order. */
export const GENERATION_RECORD_RULES: readonly Rule<RecordCase>[] = [
  ...RECORD_RULES,
  ...THINKING_RULES.map((rule) => of((value: RecordCase) => value, rule)),
  of(({ request: text, caption }: RecordCase) => ({ text, caption }), keepsQuotes('The request')),
  of(({ request: text, caption }: RecordCase) => ({ text, caption }), claimsOnlyQuotes('The request')),
];

/** A finished generation record as its rules look at it. For records of others too: whatever is missing is empty. */
export function generationCase(dialogue: Dialogue): RecordCase {
  const find = (role: string): string => dialogue.messages.find(([r, m]) => r === role && m === 'text')?.[2] ?? '';
  const parts = parseGeneration(find('assistant'));
  return { dialogue, order: GENERATION, request: find('user'), answer: '', spoken: [], ...parts };
}

/** @param system what the model is told first; '' for no system turn. @throws SetAside */
export function generationRecord(input: Thinking, system: string): Dialogue {
  const { id, audio, caption, thinking, request, dataset, level, persona, source } = input;
  const messages: Message[] = [
    ['user', 'text', request],
    ['assistant', 'text', generationText({ thinking, caption: caption.trim() })],
    ['assistant', 'audio', audio.uri],
  ];
  if (system !== '') messages.unshift(['system', 'text', system]);
  const metadata: JsonObject = { dataset, detail_level: level, persona, original_idx: source };
  const dialogue = { id, messages, audio, metadata };
  demand(GENERATION_RECORD_RULES, { dialogue, order: GENERATION, request, caption, thinking, answer: '', spoken: [] });
  return dialogue;
}

/** Question and answer about a sound; no system turn. @throws SetAside */
export function understandingRecord(input: Understood): Dialogue {
  const { id, audio, question, caption, thinking, answer, dataset, kind, spoken, source } = input;
  const messages: Message[] = [
    ['user', 'audio', audio.uri],
    ['user', 'text', question],
    ['assistant', 'text', understandingText({ caption, thinking, answer })],
  ];
  const metadata: JsonObject = { dataset, question_kind: kind, original_idx: source };
  const dialogue = { id, messages, audio, metadata, ...(input.domain && { domain: input.domain }) };
  demand(RECORD_RULES, { dialogue, order: UNDERSTANDING, request: question, caption, thinking, answer, spoken });
  return dialogue;
}

/** A request to speak or sing given words; no system turn. @throws SetAside */
export function speechRecord(input: Spoken): Dialogue {
  const { id, audio, request, caption, thinking, words, dataset, group, source, name, style } = input;
  const messages: Message[] = [
    ['user', 'text', request],
    ['assistant', 'text', generationText({ thinking, caption: caption.trim() })],
    ['assistant', 'audio', audio.uri],
  ];
  const metadata: JsonObject = { dataset, group, original_idx: source, style, ...(name !== undefined && { name }) };
  const dialogue = { id, messages, audio, metadata };
  demand(RECORD_RULES, { dialogue, order: SPEECH, request, caption, thinking, answer: '', spoken: words });
  return dialogue;
}
