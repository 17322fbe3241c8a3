/** Which questions are asked about the test clips: all of the corpus's own forms, drawn evenly over their kinds. */
import { eventAsked, eventQuestion, makeWords, type Question, type Scene } from '../../corpus/index.js';
import { trueFacts } from '../../corpus/words/question-kit.js';
import { Random } from '../../random.js';

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
  const hasChoices = (question: Question): question is ChoiceQuestion => question.choices !== undefined;
  return drawEvenly(scenes, `evaluate/${seed}`, hasChoices);
}

/** An open question for every scene, drawn in the same way; yes/no questions about single events are {@link drawYesNo}'s. */
export function drawOpenQuestions(scenes: readonly Scene[], seed: number): Question[] {
  const isOpen = (question: Question): question is Question =>
    question.choices === undefined && eventAsked(question) === null;
  return drawEvenly(scenes, `evaluate/${seed}/open`, isOpen);
}

function drawEvenly<Q extends Question>(
  scenes: readonly Scene[],
  stream: string,
  fits: (question: Question) => question is Q,
): Q[] {
  const asked = new Map<string, number>();
  return scenes.map((scene) => {
    const name = `${stream}/${scene.id}`;
    const offers = Array.from({ length: WORDINGS }, (_, w) => makeWords(scene, new Random(`${name}/${w}`)).questions)
      .flat()
      .filter(fits);
    const random = new Random(`${name}/pick`);
    const kinds = random.shuffle([...new Set(offers.map(({ kind }) => kind))].sort());
    const rarest = kinds.reduce((a, b) => ((asked.get(b) ?? 0) < (asked.get(a) ?? 0) ? b : a));
    asked.set(rarest, (asked.get(rarest) ?? 0) + 1);
    return random.pick(offers.filter(({ kind }) => kind === rarest));
  });
}

/**
 * A yes/no question for every scene about one event of the catalogue: one that is not in it (answer "no"), or one that is
 * (answer "yes"; null where the scene has no event). The form is the corpus's.
 */
export function drawYesNo(scenes: readonly Scene[], seed: number, answer: 'yes' | 'no'): (Question | null)[] {
  return scenes.map((scene) =>
    eventQuestion(trueFacts(scene), new Random(`evaluate/${seed}/${answer}/${scene.id}`), answer),
  );
}
