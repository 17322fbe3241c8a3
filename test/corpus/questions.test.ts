import { describe, expect, it } from 'vitest';
import type { Question, Scene } from '../../src/corpus/scene.js';
import { captionWithFacts } from '../../src/corpus/words/caption.js';
import { decisions } from '../../src/corpus/words/deciding.js';
import { splitSentences } from '../../src/corpus/words/forms.js';
import { trueFacts } from '../../src/corpus/words/question-kit.js';
import { questions } from '../../src/corpus/words/questions.js';
import { eventAsked, eventQuestion } from '../../src/corpus/words/questions-event.js';
import { missingOfDrawn } from '../../src/corpus/words/questions-sound.js';
import { EVENT_SURFACES } from '../../src/corpus/words/surfaces.js';
import { Random } from '../../src/random.js';
import { randomScene } from './random-scene.js';
import { truthOf } from './truth.js';

const stemOf = (q: Question): string => q.text.split(' (A) ')[0]!;

/** Many random scenes with questions, half of them asked from what a caption states, half from the whole truth. */
function asked(seed: string, scenes: number): { scene: Scene; list: Question[] }[] {
  const random = new Random(seed);
  return Array.from({ length: scenes }, (_, i) => {
    const scene = randomScene(random);
    const facts = captionWithFacts(scene, random).facts;
    return { scene, list: i % 2 === 0 ? questions(scene, random, facts) : questions(scene, random) };
  });
}
const ALL = asked('questions', 1500);

describe('eventQuestion', () => {
  it('asks for an event that the facts name, or for one that they do not, and the thinking leads there', () => {
    const random = new Random('events');
    const said = { yes: 0, no: 0 };
    for (let i = 0; i < 200; i++) {
      const scene = randomScene(random);
      const facts = trueFacts(scene);
      for (const answer of ['yes', 'no'] as const) {
        const question = eventQuestion(facts, random, answer);
        if (question === null) {
          expect([answer, facts.events]).toEqual(['yes', []]);
          continue;
        }
        const label = eventAsked(question)!;
        expect(facts.events.some((event) => event.label === label)).toBe(answer === 'yes');
        expect(truthOf(scene, question.text)(question.answer)).toBe(true);
        expect(question.answer).toMatch(answer === 'yes' ? /^Yes, / : /^No, /);
        const noun = EVENT_SURFACES[label].noun;
        const found = answer === 'yes' ? noun.replace(/^(an?|the) /, '') : 'none';
        expect(question.thinking).toContain(`Asked for and heard: ${found}.`);
        // All that are there are told first, in the words of questions.
        for (const event of facts.events) expect(question.thinking).toContain(EVENT_SURFACES[event.label].noun);
        said[answer]++;
      }
    }
    expect(Math.min(said.yes, said.no)).toBeGreaterThan(50);
  });
});

describe('decisions', () => {
  /** The words of a question's thinking that decide, by what they are. */
  const decided = (q: Question) => decisions(q).map(({ from, to, what }) => [what, q.thinking.slice(from, to)]);

  it('are the choice that is named last, where it is found by ear', () => {
    const byEar = ALL.flatMap(({ list }) => list).filter((q) => q.choices && !['absence', 'order'].includes(q.kind));
    expect(byEar.length).toBeGreaterThan(1000);
    expect(new Set(byEar.map((q) => q.kind))).toContain('transcript');
    for (const q of byEar) {
      const choice = q.answer.replace(/[.?!]$/, '');
      expect(decided(q)).toEqual([['choice', choice]]);
      expect(decisions(q)[0].from).toBe(q.thinking.lastIndexOf(choice));
    }
  });

  /** The letter behind each sound that is told of, and the one that is left. */
  const markedAsAsked = (q: Question): void => {
    const [, told, left] = /^The caption tells of ([^.]+)\. Not heard: \(([A-D])\) /.exec(q.thinking)!;
    const sounds = told.split(/, | and (?=[^()]+\(.\)$)/).map((sound) => /^(.+) \((.)\)$/.exec(sound)!);
    const letterOf = (choice: string) => 'ABCD'[q.choices!.indexOf(choice)] ?? '-';
    const letters = sounds.map(([, sound, letter]) => {
      expect(letter).toBe(letterOf(sound));
      return letter;
    });
    expect(left).toBe(letterOf(q.answer));
    expect(letters.filter((letter) => letter !== '-').sort()).toEqual([...'ABCD'].filter((letter) => letter !== left));
    expect(decided(q)).toEqual([...letters, left].map((letter) => ['copied', letter]));
  };

  it('are the letters of all that is heard, and the one that is left', () => {
    const missing = ALL.flatMap(({ list }) => list).filter((q) => q.choices && q.kind === 'absence');
    expect(missing.length).toBeGreaterThan(20);
    for (const q of missing) markedAsAsked(q);
  });

  it('are the same for sounds drawn at random', () => {
    const drawn = Array.from({ length: 200 }, (_, i) => missingOfDrawn(new Random(`drawn/${i}`)));
    for (const { told, question } of drawn) {
      markedAsAsked(question);
      const marked = /^The caption tells of ([^.]+)\./.exec(question.thinking)![1];
      expect(told.toLowerCase()).toBe(`${marked.replace(/ \([A-D-]\)/g, '')}.`);
    }
    const places = drawn.map(({ question }) => question.choices!.indexOf(question.answer));
    for (const place of [0, 1, 2, 3]) expect(places.filter((p) => p === place).length).toBeGreaterThan(25);
  });

  it('are what the caption says of what is asked, where the question is open', () => {
    const open = ALL.flatMap(({ list }) => list).filter((q) => !q.choices && q.thinking.includes('caption'));
    const found = open.filter((q) => decided(q).some(([what]) => what === 'found'));
    for (const kind of ['what', 'when', 'count', 'music', 'who']) {
      expect(found.filter((q) => q.kind === kind).length, kind).toBeGreaterThan(10);
    }
    for (const q of found) {
      const words = q.answer.replace(/[.?!]$/, '').toLowerCase();
      expect(decided(q).map(([what, said]) => [what, said.toLowerCase()])).toEqual([['found', words]]);
      expect(decisions(q)[0].from).toBe(q.thinking.toLowerCase().indexOf(words));
    }
    expect(open.filter((q) => q.kind === 'transcript').flatMap(decided)).toEqual([]);
  });

  it('are the first word of what is heard first, after all in their order', () => {
    const first = ALL.flatMap(({ list }) => list).filter((q) => q.thinking.startsWith('In order'));
    expect(first.length).toBeGreaterThan(50);
    let later = 0;
    for (const q of first) {
      const name = q.answer.replace(/^the /i, '');
      expect(decided(q)).toEqual([['copied', name.split(' ')[0]]]);
      const told = /tells of ([^.]+)\./.exec(q.thinking)![1].split(/, | and /);
      const asked = told.filter((sound) => q.text.includes(sound));
      expect(asked[0]).toBe(`the ${name}`);
      if (told[0] !== asked[0]) later++;
    }
    // Else the first of all would always do.
    expect(later).toBeGreaterThan(0);
  });
});

describe('questions', () => {
  it('have true answers, and of four different choices exactly one is true', () => {
    for (const { scene, list } of ALL) {
      for (const q of list) {
        const truth = truthOf(scene, stemOf(q));
        expect(truth(q.answer), `${q.text} -> ${q.answer} in ${JSON.stringify(scene)}`).toBe(true);
        if (!q.choices) continue;
        expect(new Set(q.choices).size).toBe(4);
        expect(q.choices.filter(truth), `${q.text} in ${JSON.stringify(scene)}`).toEqual([q.answer]);
        expect(q.text).toContain(q.choices.map((choice, i) => `(${'ABCD'[i]}) ${choice}`).join(' '));
      }
    }
  });

  it('spread the right answers evenly over A to D', () => {
    const counts = [0, 0, 0, 0];
    for (const q of ALL.flatMap((a) => a.list)) {
      if (q.choices) counts[q.choices.indexOf(q.answer)]!++;
    }
    const mean = counts.reduce((a, b) => a + b, 0) / 4;
    // chi-square with 3 degrees of freedom: 16.27 is passed by chance once in a thousand seeds
    expect(counts.reduce((sum, n) => sum + (n - mean) ** 2 / mean, 0)).toBeLessThan(16.27);
  });

  it('come 6 to 10 a scene, each once, about half with choices, and of every kind', () => {
    const kinds = new Set<string>();
    let withChoices = 0;
    let total = 0;
    for (const { list } of ALL) {
      expect(list.length).toBeGreaterThanOrEqual(6);
      expect(list.length).toBeLessThanOrEqual(10);
      expect(new Set(list.map(stemOf)).size).toBe(list.length);
      for (const q of list) kinds.add(q.kind);
      withChoices += list.filter((q) => q.choices).length;
      total += list.length;
    }
    expect(kinds.size).toBe(11);
    expect(withChoices / total).toBeGreaterThan(0.4);
    expect(withChoices / total).toBeLessThan(0.6);
  });

  it('think in two or three well-formed sentences that end at the answer', () => {
    for (const q of ALL.flatMap((a) => a.list)) {
      const sentences = splitSentences(q.thinking);
      expect(sentences.length, q.thinking).toBeGreaterThanOrEqual(2 - Number(q.thinking.includes(', so ')));
      expect(sentences.length, q.thinking).toBeLessThanOrEqual(3);
      const bare = `${q.text} ${q.thinking}`.replace(/"[^"]*"|\(A\).*(?=\()/g, '""');
      expect(bare).not.toMatch(/ {2}|\ba [aeio]|undefined|[{}[\]<>|]| [.,:]|\.\.|\?\./);
      // A choice is named last, without an article where it is copied.
      if (q.choices) expect(sentences.at(-1)).toContain(q.answer.replace(/^the |[.?!]$/g, ''));
    }
  });

  it('vary: the same three sentences come back rarely', () => {
    const thinking = ALL.flatMap((a) => a.list).map((q) => q.thinking.split(' ').slice(0, 4).join(' '));
    const counts = new Map<string, number>();
    for (const opening of thinking) counts.set(opening, (counts.get(opening) ?? 0) + 1);
    expect(Math.max(...counts.values()) / thinking.length).toBeLessThan(0.15);
  });
});
