/** Part "ask": one question with four choices about every clip, with its sound and with silence instead. */
import { makeWords, type Question, type Scene } from '../../corpus/index.js';
import { Random } from '../../random.js';
import { namedChoice } from '../metrics/answers.js';
import { type Context, resultsOf, samplesOf, type TestClip } from './context.js';
import { percent, type Row, share } from './report.js';
import { fill } from './results.js';

const PART = 'ask';
/** The floor for right answers. */
const ANSWER_FLOOR = 0.6;
/** Wordings of a scene that are looked through for a rare kind of question. */
const WORDINGS = 8;

export interface ChoiceQuestion extends Question {
  choices: string[];
}

/**
 * A four-choice question for every scene, from `makeWords`: of the kinds that the scene offers the one asked least so far,
 * so that kinds are as even as scenes allow.
 */
export function drawQuestions(scenes: readonly Scene[], seed: number): ChoiceQuestion[] {
  const asked = new Map<string, number>();
  return scenes.map((scene) => {
    const name = `evaluate/${seed}/${scene.id}`;
    const offers = Array.from({ length: WORDINGS }, (_, w) => makeWords(scene, new Random(`${name}/${w}`)).questions)
      .flat()
      .filter((question): question is ChoiceQuestion => question.choices !== undefined);
    const random = new Random(`${name}/pick`);
    const kinds = random.shuffle([...new Set(offers.map(({ kind }) => kind))].sort());
    const rarest = kinds.reduce((a, b) => ((asked.get(b) ?? 0) < (asked.get(a) ?? 0) ? b : a));
    asked.set(rarest, (asked.get(rarest) ?? 0) + 1);
    return random.pick(offers.filter(({ kind }) => kind === rarest));
  });
}

/** What was said, and which choice that names. */
interface Answered {
  question: ChoiceQuestion;
  named: number | null;
}

const isRight = ({ question, named }: Answered): boolean =>
  named !== null && question.choices[named] === question.answer;

export async function askClips(context: Context, clips: readonly TestClip[]): Promise<Row[]> {
  const questions = drawQuestions(
    clips.map(({ scene }) => scene),
    context.seed,
  );
  const items = clips.map((clip, i) => ({ clip, question: questions[i] }));
  const answers = async (name: string, sound: (samples: Float32Array) => Float32Array): Promise<Answered[]> => {
    const said = await fill(
      resultsOf<string>(context, name),
      items,
      ({ clip, question }) => `${clip.scene.id}: ${question.text}`,
      async ({ clip, question }) => {
        const { temperature, seed } = context;
        const samples = sound(await samplesOf(clip));
        return (await context.bagpiper.ask(samples, question.text, { temperature, seed })).answer;
      },
      { together: context.together, tell: context.progress(name) },
    );
    return items.map(({ question }, i) => ({ question, named: namedChoice(said[i], question.choices) }));
  };
  const heard = await answers(PART, (samples) => samples);
  const deaf = await answers(`${PART}-silence`, ({ length }) => new Float32Array(length));
  return askRows(heard, deaf);
}

export function askRows(heard: readonly Answered[], deaf: readonly Answered[]): Row[] {
  const places = [0, 1, 2, 3].map(
    (place) => heard.filter(({ question }) => question.choices.indexOf(question.answer) === place).length,
  );
  const commonest = `always the same letter: ${percent(Math.max(...places) / Math.max(1, heard.length))} at best`;
  const kinds = [...new Set(heard.map(({ question }) => question.kind))].sort();
  return [
    share(PART, 'four-choice questions right', heard.map(isRight), 'questions', {
      floor: ANSWER_FLOOR,
      note: `chance 25.0 %; ${commonest}`,
    }),
    share(PART, 'the same questions asked with silence', deaf.map(isRight), 'questions', {
      note: 'what can be guessed from the text alone',
    }),
    share(
      PART,
      'answers that name none or several of the choices',
      heard.map(({ named }) => named === null),
      'questions',
      { note: 'counted as wrong' },
    ),
    ...kinds.map((kind) => {
      const of = (all: readonly Answered[]): boolean[] => all.filter((a) => a.question.kind === kind).map(isRight);
      const guessed = of(deaf);
      const note = `with silence ${percent(guessed.filter(Boolean).length / Math.max(1, guessed.length))}`;
      return share(PART, `${kind}: right`, of(heard), 'questions', { note });
    }),
  ];
}
