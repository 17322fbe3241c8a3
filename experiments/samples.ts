/**
 * What the small models are shown and asked: conversations about scenes in the forms of train/nano/samples.ts, and besides
 * them those of the experiments' other arms: short labels for captions, answers and sounds without a caption.
 */
import { makeWords, type Question, type RenderRequest, type Scene } from '../src/corpus/index.js';
import { type BagpiperConfig, buildRows, drawKeptMessage, dropConditions, type Message } from '../src/model/index.js';
import { Random } from '../src/random.js';
import { generationText, SYSTEM_PROMPT, understandingText } from '../src/tasks/index.js';
import type { Tokenizer } from '../src/text/index.js';
import type { Example, Sample } from '../src/train/nano/samples.js';

/**
 * `caption`, `sound`: pre-training both ways; `label`, `labelSound`: the same with labels for captions; `ask`, `render`:
 * caption-then-process; `askDirect`, `renderDirect`: the answer or the sound alone.
 */
export type SampleKind = 'caption' | 'sound' | 'label' | 'labelSound' | 'ask' | 'askDirect' | 'render' | 'renderDirect';

/** What turns words and sounds into rows. */
export interface Speech {
  tokenizer: Tokenizer;
  config: BagpiperConfig;
}

/** The scene in labels alone: "speech, dog bark, rain, piano". */
export function labelsOf({ speech, events, ambience, music }: Scene): string {
  const names = [
    ...(speech.length > 0 ? ['speech'] : []),
    ...events.map(({ label }) => label),
    ...(ambience ? [ambience.label] : []),
    ...(music?.instruments ?? []),
  ];
  return [...new Set(names)].join(', ');
}

export function textMessage(role: 'system' | 'user' | 'assistant', words: string, { tokenizer }: Speech): Message {
  return { role, modality: 'text', textIds: tokenizer.encode(words) };
}

/** The sound as it is heard: its features take the place of so many rows. */
export function heardMessage(example: Example, { config }: Speech): Message {
  return { role: 'user', modality: 'audio', frames: example.features.length / config.adaptor_input_dim };
}

/** What a question is asked by. */
export function questionPrompt(example: Example, question: Pick<Question, 'text'>, speech: Speech): Message[] {
  return [heardMessage(example, speech), textMessage('user', question.text, speech)];
}

/** What a sound is asked for by. */
export function requestPrompt(request: Pick<RenderRequest, 'text'>, speech: Speech): Message[] {
  return [textMessage('system', SYSTEM_PROMPT, speech), textMessage('user', request.text, speech)];
}

/** The conversation of a sample, worded by the random numbers. */
export function conversation(kind: SampleKind, example: Example, speech: Speech, random: Random): Message[] {
  const { scene, codes } = example;
  const { caption, questions, requests } = makeWords(scene, random);
  const say = (role: 'user' | 'assistant', words: string): Message => textMessage(role, words, speech);
  const sound = (): Message => ({ role: 'assistant', modality: 'audio', codes: codes! });
  switch (kind) {
    case 'caption':
      return [heardMessage(example, speech), say('assistant', caption)];
    case 'label':
      return [heardMessage(example, speech), say('assistant', labelsOf(scene))];
    case 'sound':
      return [say('user', caption), sound()];
    case 'labelSound':
      return [say('user', labelsOf(scene)), sound()];
    case 'ask':
    case 'askDirect': {
      const choosing = questions.filter(({ choices }) => choices !== undefined);
      const question = random.pick(choosing.length > 0 ? choosing : questions);
      const { thinking, answer } = question;
      const text = kind === 'ask' ? understandingText({ caption, thinking, answer }) : answer;
      return [...questionPrompt(example, question, speech), say('assistant', text)];
    }
    case 'render':
    case 'renderDirect': {
      const request = random.pick(requests);
      const planned = say('assistant', generationText({ thinking: request.thinking, caption }));
      return [...requestPrompt(request, speech), ...(kind === 'render' ? [planned] : []), sound()];
    }
  }
}

/** A sample for training: now and then its condition is dropped, for guidance. @param seed names its wording */
export function trainingSample(kind: SampleKind, example: Example, speech: Speech, seed: string): Sample {
  const grid = buildRows(conversation(kind, example, speech, new Random(seed)), speech.config, { mode: 'train' });
  const kept = drawKeptMessage(grid, speech.config, new Random(`${seed}/dropout`));
  if (kept !== null) return { grid: dropConditions(grid, kept), features: [] };
  return { grid, features: grid.continuous.map(() => example.features) };
}

/** A sample for a held-out loss, from which nothing is dropped and in which only the last message is scored. */
export function scoredSample(messages: readonly Message[], example: Example, { config }: Speech, from = 0): Sample {
  const grid = buildRows(messages, config, { mode: 'train' });
  const { contentStart } = grid.segments[grid.segments.length - 1];
  grid.lossMask.fill(0, 0, (contentStart + from) * config.num_stream);
  return { grid, features: grid.continuous.map(() => example.features) };
}

export function heldSample(kind: SampleKind, example: Example, speech: Speech, seed: string): Sample {
  return scoredSample(conversation(kind, example, speech, new Random(seed)), example, speech);
}

/**
 * A text's true ending after a beginning that the model gave itself: only the ending is scored.
 * @param before the beginning, as it was said
 */
export function endingSample(
  prompt: readonly Message[],
  before: string,
  ending: string,
  example: Example,
  speech: Speech,
): Sample {
  const [read, scored] = [before, ending].map((words) => [...speech.tokenizer.encode(words)]);
  const answer: Message = { role: 'assistant', modality: 'text', textIds: Int32Array.from([...read, ...scored]) };
  return scoredSample([...prompt, answer], example, speech, read.length);
}
