/**
 * Part "ask": questions about every clip: with four choices (also asked with silence instead of the sound), open ones with
 * one exact fact, and whether an event is heard that is not there, or that is.
 */
import type { Question } from '../../corpus/index.js';
import type { Choice } from '../../tasks/index.js';
import { listChoices, plain } from '../../text/index.js';
import { type Context, resultsOf, samplesOf, type TestClip } from './context.js';
import { statesFact } from './exact.js';
import { type ChoiceQuestion, drawOpenQuestions, drawQuestions, drawYesNo } from './questions.js';
import { atLeast, percent, type Row, share } from './report.js';
import { fill } from './results.js';

const PART = 'ask';
/** What answers about clips that were never trained on are to reach (issue "The small world, mastered"). */
const TARGETS = { choice: atLeast(0.9), open: atLeast(0.85), absent: atLeast(0.95) } as const;
/** Clips whose questions are also asked with silence, and about an event that is there: enough for what stands beside. */
const BESIDE = 300;

/** A question and what was said. */
export interface Said {
  question: Question;
  said: string;
}

/** A question with choices and what was chosen; null where nobody can tell what. */
export interface Chosen {
  question: ChoiceQuestion;
  choice: Choice | null;
}

/** The first word is the answer: "No, ..." */
export const says = (answer: 'yes' | 'no', { said }: Said): boolean => plain(said).split(' ')[0] === answer;

const choseRight = ({ question, choice }: Chosen): boolean => choice?.text === question.answer;

export async function askClips(context: Context, clips: readonly TestClip[]): Promise<Row[]> {
  const scenes = clips.map(({ scene }) => scene);
  const { seed } = context;
  const deafen = ({ length }: Float32Array): Float32Array => new Float32Array(length);
  const choices = drawQuestions(scenes, seed);
  const first = clips.slice(0, BESIDE);
  const heard = await choose(context, `${PART}-choice`, clips, choices);
  const deaf = await choose(context, `${PART}-choice-silence`, first, choices, deafen);
  const open = await say(context, `${PART}-open`, clips, drawOpenQuestions(scenes, seed));
  const absent = await say(context, `${PART}-absent`, clips, drawYesNo(scenes, seed, 'no'));
  const present = await say(context, `${PART}-present`, first, drawYesNo(scenes, seed, 'yes'));
  return [...choiceRows(heard, deaf), ...openRows(open), ...yesNoRows(absent, present)];
}

async function choose(
  context: Context,
  name: string,
  clips: readonly TestClip[],
  questions: readonly ChoiceQuestion[],
  sound: (samples: Float32Array) => Float32Array = (samples) => samples,
): Promise<Chosen[]> {
  const { bagpiper, temperature, seed } = context;
  const asked = await ask(context, name, clips, questions, async (samples, { text, choices }) => {
    const bare = text.slice(0, -listChoices(choices).length).trim();
    const { choice } = await bagpiper.ask(sound(samples), bare, { choices, temperature, seed });
    return choice ?? null;
  });
  return asked.map(({ question, result }) => ({ question, choice: result }));
}

async function say(
  context: Context,
  name: string,
  clips: readonly TestClip[],
  questions: readonly (Question | null)[],
): Promise<Said[]> {
  const { bagpiper, temperature, seed } = context;
  const asked = await ask(
    context,
    name,
    clips,
    questions,
    async (samples, { text }) => (await bagpiper.ask(samples, text, { temperature, seed })).answer,
  );
  return asked.map(({ question, result }) => ({ question, said: result }));
}

/** Asks each clip its question; clips without one are left out. */
async function ask<Q extends Question, T>(
  context: Context,
  name: string,
  clips: readonly TestClip[],
  questions: readonly (Q | null)[],
  answer: (samples: Float32Array, question: Q) => Promise<T>,
): Promise<{ question: Q; result: T }[]> {
  const items = clips.flatMap((clip, i) => {
    const question = questions[i];
    return question ? [{ clip, question }] : [];
  });
  const results = await fill(
    resultsOf<T>(context, name),
    items,
    ({ clip, question }) => `${clip.scene.id}: ${question.text}`,
    async ({ clip, question }) => answer(await samplesOf(clip), question),
    { together: context.together, tell: context.progress(name) },
  );
  return items.map(({ question }, i) => ({ question, result: results[i] }));
}

/** One row a kind of question. */
function kindRows<A extends { question: Question }>(
  name: string,
  asked: readonly A[],
  right: (answered: A) => boolean,
  noteOf: (kind: string) => string,
): Row[] {
  const kinds = [...new Set(asked.map(({ question }) => question.kind))].sort();
  return kinds.map((kind) => {
    const of = asked.filter(({ question }) => question.kind === kind);
    const note = noteOf(kind);
    return share(PART, `${name}${kind}: right`, of.map(right), 'questions', note === '' ? {} : { note });
  });
}

function choiceRows(heard: readonly Chosen[], deaf: readonly Chosen[]): Row[] {
  const places = [0, 1, 2, 3].map(
    (place) => heard.filter(({ question }) => question.choices?.indexOf(question.answer) === place).length,
  );
  const commonest = `always the same letter: ${percent(Math.max(...places) / Math.max(1, heard.length))} at best`;
  const guessed = (kind: string): string => {
    const of = deaf.filter(({ question }) => question.kind === kind);
    return `with silence ${percent(of.filter(choseRight).length / Math.max(1, of.length))}`;
  };
  return [
    share(PART, 'four-choice questions right', heard.map(choseRight), 'questions', {
      target: TARGETS.choice,
      note: `chance 25.0 %; ${commonest}`,
    }),
    share(PART, 'the same questions asked with silence', deaf.map(choseRight), 'questions', {
      note: 'what can be guessed from the text alone',
    }),
    share(
      PART,
      'answers that name none or several of the choices',
      heard.map(({ choice }) => !choice?.named),
      'questions',
      { note: 'the likeliest of the choices is taken' },
    ),
    share(
      PART,
      'four-choice questions right, where the answer itself names the choice',
      heard.map((answered) => answered.choice?.named === true && choseRight(answered)),
      'questions',
      { note: 'where it names none it counts as wrong' },
    ),
    ...kindRows('', heard, choseRight, guessed),
  ];
}

function openRows(open: readonly Said[]): Row[] {
  const right = ({ question, said }: Said): boolean => statesFact(said, question);
  return [
    share(PART, 'open questions, exact fact right', open.map(right), 'questions', { target: TARGETS.open }),
    ...kindRows('open, ', open, right, () => ''),
  ];
}

/** @param present beside it: who always says no is right about all that is absent */
function yesNoRows(absent: readonly Said[], present: readonly Said[]): Row[] {
  const yes = present.map((answered) => says('yes', answered));
  return [
    share(
      PART,
      'absent-event questions answered no',
      absent.map((answered) => says('no', answered)),
      'questions',
      {
        target: TARGETS.absent,
        note: `only worth something if present events are answered yes: ${percent(yes.filter(Boolean).length / Math.max(1, yes.length))}`,
      },
    ),
    share(PART, 'present-event questions answered yes', yes, 'questions', {
      note: 'who always says no gets none of these',
    }),
  ];
}
