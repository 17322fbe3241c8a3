/** What a trained small model says and makes, measured on held-out scenes: captions, four-choice questions, renderings. */
import { makeWords, type RenderRequest } from '../src/corpus/index.js';
import { f1Part } from '../src/evaluate/index.js';
import { ratioOf } from '../src/evaluate/metrics/statistics.js';
import { presenceRight, scoreCaption } from '../src/evaluate/nano/captions.js';
import { type ChoiceQuestion, drawQuestions } from '../src/evaluate/nano/questions.js';
import { Random } from '../src/random.js';
import { parseUnderstanding } from '../src/tasks/index.js';
import { namedChoice } from '../src/text/index.js';
import type { Example } from '../src/train/nano/samples.js';
import { asAsked, describeSounds, finite, type Measures } from './hearing.js';
import type { Material } from './material.js';
import type { Measure } from './plan.js';
import {
  endingSample,
  heardMessage,
  questionPrompt,
  requestPrompt,
  type Speech,
  scoredSample,
  textMessage,
} from './samples.js';
import type { Scorer } from './scorer.js';
import type { Talker } from './talker.js';

/** How many held-out scenes each measure takes; those of the renderings are the last ones. */
export interface Counts {
  captions: number;
  questions: number;
  renderings: number;
  /** tokens of the longest text */
  longest: number;
}

export const COUNTS: Counts = { captions: 64, questions: 320, renderings: 48, longest: 400 };

/** Tokens of the longest answer without caption and thinking. */
const LONGEST_ANSWER = 60;
/** Tokens before a rendering, so that request, text and the longest sound fit a row of a batch. */
const LONGEST_PLAN = 280;

/** The questions and requests are the same for every run. */
const SEED = 1;
/** What a model writes before its answer ends. */
const ENDS_THINKING = /<\s*\/\s*think(?:ing)?\s*>\s*/i;

export interface Measuring {
  material: Material;
  speech: Speech;
  talker: Talker;
  scorer: Scorer;
  counts: Counts;
  direct: boolean;
  signal: AbortSignal;
}

export interface Measured {
  measures: Measures;
  /** a few things that were said */
  examples: string[];
}

export function measure(what: Measure, to: Measuring): Promise<Measured> {
  return { captions, questions, renderings }[what](to);
}

async function captions({ material, speech, talker, counts, signal }: Measuring): Promise<Measured> {
  const examples = material.held.slice(0, counts.captions);
  const prompts = examples.map((example) => ({
    messages: [heardMessage(example, speech)],
    features: [example.features],
  }));
  const text = { max_step: counts.longest };
  const said = await talker.say(prompts, { segments: ['text'], text, seed: 'captions', signal });
  const scores = said.map(({ text }, i) => scoreCaption(text, examples[i].scene));
  const measures = {
    'caption: kinds right': scores.filter(presenceRight).length / scores.length,
    'caption: event F1': finite(ratioOf(scores.map(({ events }) => f1Part(events)))),
  };
  return { measures, examples: said.slice(0, 3).map(({ text }) => text) };
}

async function questions({ material, speech, talker, scorer, counts, direct, signal }: Measuring): Promise<Measured> {
  const examples = material.held.slice(0, counts.questions);
  const asked = drawQuestions(
    examples.map(({ scene }) => scene),
    SEED,
  );
  const prompts = examples.map((example, i) => ({
    messages: questionPrompt(example, asked[i], speech),
    features: [example.features],
  }));
  const said = await talker.say(prompts, {
    segments: ['text'],
    text: { max_step: direct ? Math.min(LONGEST_ANSWER, counts.longest) : counts.longest },
    seed: 'questions',
    signal,
  });
  const answers = said.map(({ text }) => (direct ? text : parseUnderstanding(text).answer));
  const named = answers.map((answer, i) => namedChoice(answer, asked[i].choices));
  const endings = said.map(({ text }, i) =>
    endingSample(prompts[i].messages, direct ? '' : beforeAnswer(text), asked[i].answer, examples[i], speech),
  );
  const measures: Measures = {
    'questions right': share(named.map((choice, i) => isRight(asked[i], choice))),
    'questions: none or several named': share(named.map((choice) => choice === null)),
    'answer loss after own words': finite(await scorer.loss(endings)),
  };
  for (const kind of [...new Set(asked.map((question) => question.kind))].sort()) {
    const of = named.flatMap((choice, i) => (asked[i].kind === kind ? [isRight(asked[i], choice)] : []));
    measures[`questions right: ${kind}`] = share(of);
  }
  return { measures, examples: said.slice(0, 5).map(({ text }, i) => `${asked[i].text}\n${text}`) };
}

const isRight = ({ choices, answer }: ChoiceQuestion, choice: number | null): boolean =>
  choice !== null && choices[choice] === answer;

const share = (right: readonly boolean[]): number => right.filter(Boolean).length / Math.max(1, right.length);

/** The text up to where the answer begins; where the thinking has no end, all of it and an end. */
export function beforeAnswer(text: string): string {
  const end = ENDS_THINKING.exec(text);
  return end ? text.slice(0, end.index + end[0].length) : `${text}\n</think>\n\n`;
}

/** The scenes that renderings are asked of, each with its plain request. */
export function requested(material: Material, count: number): { example: Example; request: RenderRequest }[] {
  return material.held.slice(-count).map((example) => {
    const { requests } = makeWords(example.scene, new Random(`experiments/${SEED}/${example.scene.id}/request`));
    return { example, request: requests.find(({ style }) => style === 'realistic')! };
  });
}

async function renderings(to: Measuring): Promise<Measured> {
  const { material, speech, talker, scorer, counts, direct, signal } = to;
  const wanted = requested(material, counts.renderings);
  const prompts = wanted.map(({ request }) => ({ messages: requestPrompt(request, speech), features: [] }));
  const said = await talker.say(prompts, {
    segments: direct ? ['audio'] : ['text', 'audio'],
    text: { max_step: Math.min(LONGEST_PLAN, counts.longest) },
    // Guidance is a question of its own, and costs twice the work.
    audio: { cfg: 1 },
    seed: 'renderings',
    signal,
  });
  const own = wanted.map(({ example }, i) => {
    const planned = direct ? [] : [textMessage('assistant', said[i].text, speech)];
    const sound = { role: 'assistant', modality: 'audio', codes: example.codes! } as const;
    return scoredSample([...prompts[i].messages, ...planned, sound], example, speech);
  });
  const sounds: Float32Array[] = [];
  for (const { codes } of said) {
    signal.throwIfAborted();
    sounds.push(codes ? await material.codec.decode(codes) : new Float32Array(0));
  }
  const scenes = wanted.map(({ example }) => example.scene);
  const heard = await describeSounds(material, sounds, signal);
  const measures: Measures = { 'sound loss after own words': finite(await scorer.loss(own)) };
  for (const [name, value] of Object.entries(asAsked(heard, sounds, scenes))) measures[`rendered: ${name}`] = value;
  const examples = wanted.slice(0, 3).map(({ request }, i) => `${request.text}\n${said[i].text}\nheard: ${heard[i]}`);
  return { measures, examples };
}
