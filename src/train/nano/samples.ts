/**
 * What nano's language model is shown: conversations made of corpus records, in the forms of the published model
 * (docs/model.md, "Conversations"). Each use of a scene gets its own wording, so no row is seen twice.
 */
import {
  decisions,
  eventAsked,
  eventQuestion,
  extractFacts,
  factSpans,
  heardAgain,
  makeWords,
  missingOfDrawn,
  personText,
  type Question,
  type Scene,
  type SpeechTurn,
} from '../../corpus/index.js';
import {
  type BagpiperConfig,
  buildRows,
  drawKeptMessage,
  dropConditions,
  type Message,
  packGrids,
  type TokenGrid,
} from '../../model/index.js';
import { Random } from '../../random.js';
import { generationText, understandingText } from '../../tasks/format.js';
import { SYSTEM_PROMPT } from '../../tasks/prompts.js';
import { lettered, plain, type Tokenizer } from '../../text/index.js';
import type { Followed, PackedRow } from '../batch.js';
import { followWords, frameAt, type Spoken } from './follow.js';
import { idWith } from './id-with.js';
import { mishear } from './misheard.js';

/**
 * Kinds of samples. `caption`, `sound`: pre-training both ways; `ask`, `render`: fine-tuning; `choose`: a question with
 * choices after a caption with mistakes (the model's own where there is one), which is not learned; `listen`: an open one; `read`: a caption and a
 * question in words, the caption to be said again (which teaches copying); `copy`: ids drawn at random, or the choices of a question,
 * to be said again (which teaches nothing else); `recall`: a caption and a question in words, to be answered at once; `missing`: sounds drawn
 * at random and what of four choices is not among them, in words; `event`: a question about one event, which is there half of
 * the time where there are any; `say`: who says what, and that turn's sound alone; `text`: words alone.
 */
export type SampleKind =
  | 'caption'
  | 'ask'
  | 'choose'
  | 'listen'
  | 'read'
  | 'recall'
  | 'copy'
  | 'missing'
  | 'event'
  | 'sound'
  | 'say'
  | 'render'
  | 'text';

/** A scene with what the networks made of its sound. */
export interface Example {
  scene: Scene;
  /** encoder features [tokens, adaptor_input_dim] */
  features: Float32Array;
  /** codec codes [frames, streams]; absent while there is no codec */
  codes?: Int32Array;
  /** the caption that the model itself gave before fine-tuning */
  told?: string;
}

/** A sample before it is built: which example, which kind, which wording. */
export interface SamplePlan {
  example: number;
  kind: SampleKind;
  seed: string;
}

/** A sample's rows, with the encoder features of its continuous span. */
export interface Sample {
  grid: TokenGrid;
  features: Float32Array[];
  /** where rows that say something should look; absent: none does */
  followed?: readonly Followed[];
}

/** How often each kind comes for every scene, in a pass over the corpus. */
export type Mixture = Readonly<Partial<Record<SampleKind, number>>>;

/** Kinds that end with sound. */
export const SOUNDING: ReadonlySet<SampleKind> = new Set(['sound', 'say', 'render']);

/** One pass over the examples: each kind as often as the mixture for the example says (a fraction is a probability). */
export function planPass(
  examples: readonly Example[],
  mixtureOf: (example: Example) => Mixture,
  seed: string,
): SamplePlan[] {
  const random = new Random(seed);
  const plans: SamplePlan[] = [];
  examples.forEach((example, i) => {
    for (const [kind, share] of Object.entries(mixtureOf(example)) as [SampleKind, number][]) {
      if (SOUNDING.has(kind) && !example.codes) continue;
      if (kind === 'say' && example.scene.speech.length === 0) continue;
      const times = Math.floor(share) + (random.chance(share % 1) ? 1 : 0);
      for (let k = 0; k < times; k++) plans.push({ example: i, kind, seed: `${seed}/${i}/${kind}/${k}` });
    }
  });
  return plans;
}

/** A part of the last message's text, characters or ids from, and to (not included), that counts more or less than 1, or not at all. */
interface Weighted {
  from: number;
  to: number;
  weight: number;
}

/** A conversation, and what of its last text is not to be learned like the rest. */
interface Draft {
  messages: Message[];
  weights: Weighted[];
  /** what the sound says that it ends with */
  spoken?: Spoken;
}

/**
 * What has to be heard or found out counts more than words that could as well be others: it is a few ids in a hundred and
 * would else be learned last. Facts of a caption; in thinking, what is copied, after which all follows, and choices.
 */
const WEIGHTS = { fact: 5, quoted: 3, copied: 16, choice: 8, found: 8, chosen: 3 };

/** Ids that are to be said again, at least and at most. */
const COPIED_IDS = { from: 8, to: 40 };

/** The conversation of a plan: text as ids, sound as features or codes. */
export const conversation = (
  plan: SamplePlan,
  example: Example,
  tokenizer: Tokenizer,
  config: BagpiperConfig,
): Message[] => draft(plan, example, tokenizer, config).messages;

function draft(plan: SamplePlan, example: Example, tokenizer: Tokenizer, config: BagpiperConfig): Draft {
  const random = new Random(plan.seed);
  const { caption, questions, requests } = makeWords(example.scene, random);
  const text = (role: 'system' | 'user' | 'assistant', words: string): Message => ({
    role,
    modality: 'text',
    textIds: tokenizer.encode(words),
  });
  const heard: Message = {
    role: 'user',
    modality: 'audio',
    frames: example.features.length / config.adaptor_input_dim,
  };
  /** @param before what tells of the sound */
  const sounding = (
    given: Message[],
    before: { role: 'user' | 'assistant'; words: string },
    turns: Spoken['turns'],
    codes: Int32Array,
  ): Draft => {
    const ids = tokenizer.encode(before.words);
    const told: Message = { role: before.role, modality: 'text', textIds: ids };
    return {
      messages: [...given, told, { role: 'assistant', modality: 'audio', codes }],
      weights: [],
      spoken: { text: before.words, ids, frames: codes.length / config.num_stream, turns },
    };
  };
  const plain = (...messages: Message[]): Draft => ({ messages, weights: [] });
  /** @param spans of the words' characters */
  const weighed = (given: Message[], words: string, spans: readonly Weighted[]): Draft => {
    const ids = tokenizer.encode(words);
    return {
      messages: [...given, { role: 'assistant', modality: 'text', textIds: ids }],
      weights: idSpans(spans, words, ids, tokenizer),
    };
  };
  /** @param learned whether the caption is to be learned; one with mistakes is not */
  const answered = (given: Message, question: Question, told: string, learned = true): Draft => {
    const { thinking, answer } = question;
    const said = understandingText({ caption: told, thinking, answer });
    const answerAt = said.length - answer.length;
    const [captionAt, thinkingAt] = [said.indexOf(told), said.indexOf(thinking)];
    const inCaption = learned ? captionWeights(told) : [{ from: 0, to: told.length, weight: 0 }];
    const spans = [...inCaption.map(moved(captionAt)), ...decisionWeights(question).map(moved(thinkingAt))];
    // What was chosen in thinking is to be said in the same words.
    if (question.choices) spans.push({ from: answerAt, to: said.length, weight: WEIGHTS.chosen });
    return weighed([given, text('user', question.text)], said, spans);
  };
  /** The caption that the model gave itself, or one of a scene that was misheard. */
  const mistaken = (): string => example.told ?? makeWords(mishear(example.scene, random), random).caption;
  /** One of these questions, or of all where there are none. */
  const rather = (some: readonly Question[]): Question => pickEvenly(some.length > 0 ? some : questions, random);
  const thought = (told: string, question: Question): Draft =>
    weighed([text('user', told), text('user', question.text)], question.thinking, decisionWeights(question));
  switch (plan.kind) {
    case 'caption':
      return weighed([heard], caption, captionWeights(caption));
    case 'text':
      return plain(text('assistant', caption));
    case 'sound':
      return sounding([], { role: 'user', words: caption }, example.scene.speech, example.codes!);
    case 'say': {
      const turn = random.pick(example.scene.speech);
      const words = `${personText(example.scene.speakers[turn.speaker])}: "${turn.sentence}"`;
      const wordEnds = turn.wordEnds?.map((end) => end - turn.start);
      const said = { ...turn, start: 0, end: turn.end - turn.start, wordEnds };
      return sounding([], { role: 'user', words }, [said], turnCodes(turn, example.codes!, config));
    }
    case 'ask':
      return answered(heard, pickEvenly(questions, random), caption);
    case 'read':
      return answered(text('user', caption), pickEvenly(questions, random), caption);
    case 'recall':
      return thought(caption, pickEvenly(questions, random));
    case 'missing': {
      const { told, question } = missingOfDrawn(random);
      return thought(told, question);
    }
    case 'copy': {
      const choosing = withChoices(questions);
      if (choosing.length > 0 && random.chance(0.5)) {
        const { text: question, choices } = pickEvenly(choosing, random);
        const listed = choices!.map((choice) => lettered(choices!, choice)).join('; ');
        return plain(text('user', question), text('assistant', listed));
      }
      const textIds = randomIds(random, tokenizer.vocabSize);
      return plain({ role: 'user', modality: 'text', textIds }, { role: 'assistant', modality: 'text', textIds });
    }
    case 'event':
      return answered(heard, askForEvent(caption, random), caption);
    case 'choose': {
      const told = mistaken();
      return answered(heard, rather(withChoices(questions)), told, false);
    }
    case 'listen': {
      const told = mistaken();
      return answered(heard, listened(rather(questions.filter(isByEar)), told), told, false);
    }
    case 'render': {
      const request = random.pick(requests);
      const words = generationText({ thinking: request.thinking, caption });
      const asked = [text('system', SYSTEM_PROMPT), text('user', request.text)];
      return sounding(asked, { role: 'assistant', words }, example.scene.speech, example.codes!);
    }
  }
}

/** The frames of a turn. */
function turnCodes({ start, end }: SpeechTurn, codes: Int32Array, { num_stream: streams }: BagpiperConfig): Int32Array {
  return codes.subarray(Math.floor(frameAt(start)) * streams, Math.ceil(frameAt(end)) * streams);
}

/** A yes/no question about one event; where the caption names none, all that can be asked is answered with no. */
function askForEvent(caption: string, random: Random): Question {
  const facts = extractFacts(caption);
  const answer = random.chance(0.5) ? 'yes' : 'no';
  return eventQuestion(facts, random, answer) ?? eventQuestion(facts, random, 'no')!;
}

/** Ids without any sense, so that nothing but looking back tells the next one. */
function randomIds(random: Random, vocabulary: number): Int32Array {
  const length = COPIED_IDS.from + random.int(COPIED_IDS.to - COPIED_IDS.from + 1);
  return Int32Array.from({ length }, () => random.int(vocabulary));
}

const withChoices = (questions: readonly Question[]): Question[] =>
  questions.filter(({ choices }) => choices !== undefined);

/**
 * Whether a question without choices is better answered by ear where a caption is wrong. Words are not: they are heard as well the first
 * time, and would no longer be copied. Nor are events, for which the caption is searched.
 */
const isByEar = (question: Question): boolean =>
  !question.choices && question.kind !== 'transcript' && eventAsked(question) === null;

/** A question whose thinking does not lay into the caption's mouth what is not in it. */
function listened(question: Question, told: string): Question {
  const fact = plain(question.answer);
  return plain(told).includes(fact) ? question : { ...question, thinking: heardAgain(question.thinking) };
}

/** The share of captions that offer a question of a kind, open or with choices. */
const OFFERED: Readonly<Record<Question['kind'], { open: number; choices: number }>> = {
  absence: { open: 0.7, choices: 0.1 },
  count: { open: 0.3, choices: 0.65 },
  mood: { open: 0.24, choices: 0.39 },
  music: { open: 0.31, choices: 0.36 },
  order: { open: 0.06, choices: 0.09 },
  presence: { open: 0.75, choices: 0.61 },
  transcript: { open: 0.21, choices: 0.35 },
  what: { open: 0.21, choices: 0.34 },
  when: { open: 0.22, choices: 0.21 },
  where: { open: 0.23, choices: 0.32 },
  who: { open: 0.19, choices: 0.39 },
};

/** A question of a kind that is drawn first, the rarer the more likely, so that over many captions all kinds come equally often. */
function pickEvenly(questions: readonly Question[], random: Random): Question {
  const groupOf = ({ kind, choices }: Question) => `${kind} ${choices ? 'choices' : 'open'}`;
  // Of waiting times that are exponential, each with its own mean, the shortest is as likely as its mean is short.
  let first = { wait: Number.POSITIVE_INFINITY, group: '' };
  for (const question of new Map(questions.map((question) => [groupOf(question), question])).values()) {
    const wait = -Math.log(1 - random.next()) * OFFERED[question.kind][question.choices ? 'choices' : 'open'];
    if (wait < first.wait) first = { wait, group: groupOf(question) };
  }
  return random.pick(questions.filter((question) => groupOf(question) === first.group));
}

const decisionWeights = (question: Question): Weighted[] =>
  decisions(question).map(({ what, ...span }) => ({ ...span, weight: WEIGHTS[what] }));

/** The first sentence says which kinds of sound there are, in all of its words: what is not said is said as well. */
function captionWeights(caption: string): Weighted[] {
  const opening = /^[^.]*\./.exec(caption)?.[0].length ?? 0;
  const later = factSpans(caption).filter(({ from }) => from >= opening);
  const facts = later.map(({ from, to, quoted }) => ({ from, to, weight: quoted ? WEIGHTS.quoted : WEIGHTS.fact }));
  return [{ from: 0, to: opening, weight: WEIGHTS.fact }, ...facts];
}

const moved =
  (by: number) =>
  (span: Weighted): Weighted => ({ ...span, from: span.from + by, to: span.to + by });

/** Spans of a text's characters as spans of its ids: of all that hold a part of them. */
function idSpans(spans: readonly Weighted[], words: string, ids: Int32Array, tokenizer: Tokenizer): Weighted[] {
  const find = idWith(ids, tokenizer);
  return spans.map(({ from, to, weight }) => {
    const start = Buffer.byteLength(words.slice(0, from));
    const length = Buffer.byteLength(words.slice(from, to));
    return { from: find(start), to: find(start + length - 1) + 1, weight };
  });
}

/** Builds a sample; now and then its condition is dropped, for guidance. */
export function buildSample(plan: SamplePlan, example: Example, tokenizer: Tokenizer, config: BagpiperConfig): Sample {
  const { messages, weights, spoken } = draft(plan, example, tokenizer, config);
  const grid = buildRows(messages, config, { mode: 'train' });
  weigh(grid, weights, config);
  const last = messages[messages.length - 1];
  if ('codes' in last) weighSound(grid, last.codes, config);
  const kept = drawKeptMessage(grid, config, new Random(`${plan.seed}/dropout`));
  if (kept !== null) return { grid: dropConditions(grid, kept), features: [] };
  const features = grid.continuous.map(() => example.features);
  if (!spoken) return { grid, features };
  const [textAt, soundAt] = grid.segments.slice(-2).map(({ contentStart }) => contentStart);
  return { grid, features, followed: followWords(spoken, tokenizer, { textAt, soundAt }) };
}

/** Samples side by side in a row of a batch. */
export function packSamples(samples: readonly Sample[], rows: number): PackedRow {
  return {
    pack: packGrids(
      samples.map(({ grid }) => grid),
      rows,
    ),
    features: samples.flatMap(({ features }) => features),
    followed: samples.map(({ followed = [] }) => followed),
  };
}

/** Gives ids of the last message their weights. */
function weigh(grid: TokenGrid, weights: readonly Weighted[], { num_stream: streams }: BagpiperConfig): void {
  const { contentStart } = grid.segments[grid.segments.length - 1];
  for (const { from, to, weight } of weights) {
    for (let at = (contentStart + from) * streams; at < (contentStart + to) * streams; at++)
      grid.lossMask[at] *= weight;
  }
}

/** What a frame counts that is the same as the one before. */
const REPEATED = 0.25;

/** What each stream of a frame counts, from the coarsest on: what sounds is in the first ones, the last ones are nearly noise. */
const STREAMS = [1.75, 1.5, 1.25, 1, 0.75, 0.65, 0.6, 0.5];

/** What the end of a sound counts, one decision among hundreds of frames. */
const END = 4;

/**
 * Silence and steady tones are long runs of one frame. At full weight, repeating the last frame is what a small model learns
 * first and does longest.
 */
function weighSound(grid: TokenGrid, codes: Int32Array, { num_stream: streams }: BagpiperConfig): void {
  const { contentStart } = grid.segments[grid.segments.length - 1];
  const frames = codes.length / streams;
  for (let frame = 0; frame < frames; frame++) {
    const [now, before] = [frame, frame - 1].map((f) => codes.subarray(f * streams, (f + 1) * streams));
    const repeated = frame > 0 && now.every((code, stream) => code === before[stream]);
    // Stream s of a frame stands s rows below its first.
    for (let s = 0; s < streams; s++) {
      grid.lossMask[(contentStart + frame + s) * streams + s] *= STREAMS[s] * (repeated ? REPEATED : 1);
    }
  }
  // The first row without a code of the first stream is where a sound is heard to be over; the rest only finish their frames.
  grid.lossMask[(contentStart + frames) * streams] *= STREAMS[0] * END;
}
