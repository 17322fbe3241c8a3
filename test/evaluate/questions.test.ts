import { describe, expect, it } from 'vitest';
import { eventAsked, makeWords, type Question, type Scene } from '../../src/corpus/index.js';
import { says } from '../../src/evaluate/nano/ask.js';
import { statesFact } from '../../src/evaluate/nano/exact.js';
import { drawOpenQuestions, drawQuestions, drawYesNo } from '../../src/evaluate/nano/questions.js';
import { Random } from '../../src/random.js';
import { randomScene } from '../corpus/random-scene.js';
import { truthOf } from '../corpus/truth.js';

const random = new Random('questions');
const scenes: Scene[] = Array.from({ length: 90 }, (_, i) => ({ ...randomScene(random), id: `scene-${i}` }));

function kindsOf(questions: readonly Question[]): Map<string, number> {
  const kinds = new Map<string, number>();
  for (const { kind } of questions) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  return kinds;
}

describe('drawn questions', () => {
  const some = scenes.slice(0, 45);

  it('are one true four-choice question about every scene, kinds evenly, and the same again', () => {
    const questions = drawQuestions(some, 1);
    expect(questions).toHaveLength(some.length);
    for (const { choices, answer } of questions) {
      expect(choices).toHaveLength(4);
      expect(choices.filter((choice) => choice === answer)).toHaveLength(1);
    }
    const kinds = kindsOf(questions);
    expect(kinds.size).toBeGreaterThanOrEqual(9);
    expect(Math.max(...kinds.values())).toBeLessThanOrEqual(some.length / 4);
    expect(drawQuestions(some, 1)).toEqual(questions);
    expect(drawQuestions(some, 2)).not.toEqual(questions);
  });

  it('are one open question about every scene, kinds evenly, none about a single event', () => {
    const questions = drawOpenQuestions(some, 1);
    expect(questions).toHaveLength(some.length);
    for (const question of questions) {
      expect(question.choices).toBe(undefined);
      expect(eventAsked(question)).toBe(null);
    }
    expect(kindsOf(questions).size).toBeGreaterThanOrEqual(9);
    expect(drawOpenQuestions(some, 1)).toEqual(questions);
  });

  it('ask for an event that is not there, and for one that is', () => {
    drawYesNo(some, 1, 'no').forEach((question, i) => {
      expect(some[i].events.map(({ label }) => label)).not.toContain(eventAsked(question!));
      expect(truthOf(some[i], question!.text)(question!.answer)).toBe(true);
    });
    drawYesNo(some, 1, 'yes').forEach((question, i) => {
      expect(question === null).toBe(some[i].events.length === 0);
      if (question) expect(truthOf(some[i], question.text)(question.answer)).toBe(true);
    });
  });
});

describe('exact facts', () => {
  const open = scenes.flatMap((scene) =>
    makeWords(scene, random)
      .questions.filter(({ choices }) => choices === undefined)
      .map((question) => ({ scene, question })),
  );

  it('are stated by every true answer, with and without a sentence around it', () => {
    expect(open.length).toBeGreaterThan(200);
    for (const { question } of open) {
      expect(statesFact(question.answer, question)).toBe(true);
      expect(statesFact(question.answer.toUpperCase(), question)).toBe(true);
      expect(statesFact('', question)).toBe(false);
      expect(statesFact('I cannot tell.', question)).toBe(false);
    }
  });

  it('are the same for two answers exactly when an independent reading of the scene says so', () => {
    for (const { scene, question } of open) {
      const others = open.filter((other) => other.question.kind === question.kind).slice(0, 40);
      for (const { question: other } of others) {
        let truth: boolean;
        try {
          const read = truthOf(scene, question.text);
          truth = read(other.answer) || read(otherPronoun(other.answer));
        } catch {
          continue; // an answer to another sort of question of the same kind
        }
        const stated = statesFact(other.answer, question);
        if (truth || !sameInOtherWords(question, other)) {
          expect(`${question.text} ${other.answer} ${stated}`).toBe(`${question.text} ${other.answer} ${truth}`);
        }
      }
    }
  });

  /**
   * "Twice" states the number of "two" and "the man sounds sad" the mood of "the boy sounds sad"; of yes and no only the first
   * word is the fact.
   */
  function sameInOtherWords(question: Question, { answer }: Question): boolean {
    return question.kind === 'count' || question.kind === 'mood' || /^(?:yes|no),/i.test(answer);
  }

  /** What is heard before or after the first words is one sound or several: that is not the fact. */
  function otherPronoun(answer: string): string {
    const [, pronoun, rest] = /^(They are|It is)( heard .* the first words\.)$/.exec(answer) ?? [];
    return pronoun === undefined ? answer : `${pronoun === 'It is' ? 'They are' : 'It is'}${rest}`;
  }

  const ask = (kind: Question['kind'], text: string, answer: string): Question => ({
    kind,
    text,
    answer,
    thinking: '',
  });

  it('are read in other words, and not beside a contradiction', () => {
    const bell = ask('what', 'Which sound effect is heard?', 'A car horn');
    expect(statesFact('It is the car horn.', bell)).toBe(true);
    expect(statesFact('A car horn honks.', bell)).toBe(true);
    expect(statesFact('a train horn', bell)).toBe(false);
    expect(statesFact('a car horn and a siren', bell)).toBe(false);
    const who = ask('who', 'Who speaks?', 'A young woman');
    expect(statesFact('It is a young woman.', who)).toBe(true);
    expect(statesFact('a woman', who)).toBe(false);
    expect(statesFact('a young woman or a boy', who)).toBe(false);
    const when = ask('when', 'When is the siren heard?', 'Right at the start');
    expect(statesFact('at about 0 seconds', when)).toBe(true);
    expect(statesFact('at about 0.5 seconds', when)).toBe(false);
    const count = ask('count', 'How often is the siren heard?', 'Twice');
    expect(statesFact('two times', count)).toBe(true);
    expect(statesFact('once or twice', count)).toBe(false);
    const words = ask('transcript', 'What is said?', 'Where is the cat?');
    expect(statesFact('where is the cat', words)).toBe(true);
    expect(statesFact('Where is the cat now?', words)).toBe(false);
    const missing = ask('absence', 'Which is missing?', 'There is no speech or music.');
    expect(statesFact('Music and speech are missing.', missing)).toBe(true);
    expect(statesFact('There is no speech.', missing)).toBe(false);
    const mood = ask('mood', 'What is the mood of the music?', 'Cheerful');
    expect(statesFact('The music is happy.', mood)).toBe(true);
  });

  it('yes and no are first words', () => {
    const question = ask('absence', 'Can you hear a siren?', 'No, a siren is not heard.');
    expect(says('no', { question, said: 'No.' })).toBe(true);
    expect(says('no', { question, said: 'Yes, no siren is missing.' })).toBe(false);
    expect(says('no', { question, said: 'Nobody speaks.' })).toBe(false);
    expect(says('no', { question, said: '' })).toBe(false);
  });
});
