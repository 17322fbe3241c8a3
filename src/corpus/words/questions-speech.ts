/** Questions about people: who speaks, how, when and what they say. */

import type { Mood } from '../scene.js';
import type { SpeakerFact, TurnFact } from './facts.js';
import { headNoun, secondsText, withArticle } from './phrases.js';
import { type Ask, type Maker, open, pickOne, speakerName } from './question-kit.js';
import { planSentence } from './sentences.js';

const PEOPLE = ['a man', 'a woman', 'a young man', 'a young woman', 'an old man', 'an old woman', 'a boy', 'a girl'];
const MOODS: readonly Mood[] = ['neutral', 'happy', 'sad', 'angry', 'calm', 'excited'];
const ACCENTS = ['American', 'British', 'Scottish', 'Irish', 'Indian'];
const PACES = { slow: 'slowly', normal: 'at a normal pace', fast: 'quickly' } as const;

/** "a young woman", always with the same words, so that choices can be compared. */
export function personText({ gender, age }: Pick<SpeakerFact, 'gender' | 'age'>): string {
  if (age === 'child') return gender === 'man' ? 'a boy' : 'a girl';
  return withArticle({ young: `young ${gender}`, adult: gender, elderly: `old ${gender}` }[age]);
}

const ONE_VOICE = ['Who speaks in this clip?', 'Who is speaking?', 'Whose voice is heard?', 'Who says something?'];

const who: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  const names = facts.speakers.map(personText);
  if (names.length === 1) {
    const right = names[0] as string;
    const steps = {
      asked: ['who speaks', 'about the voice', 'who is speaking'],
      said: [`${right} speaks`, `there is ${right} who speaks`, `the voice is that of ${right}`],
      so: [`the speaker is ${right}`, `it is ${right}`, `the answer is ${right}`],
    };
    out.push(...pickOne(ask, 'who', random.pick(ONE_VOICE), right, PEOPLE));
    out.push(open(ask, 'who', random.pick([...ONE_VOICE, 'What kind of voice is heard?']), right, steps));
  }
  if (names.length === 2 && names[0] !== names[1]) {
    const turn = random.pick(facts.turns);
    const right = names[turn.speaker] as string;
    const quote = `"${turn.sentence}"`;
    const text = random.pick([`Who says ${quote}`, `Who speaks the words ${quote}`, `Whose words are these: ${quote}`]);
    out.push(...pickOne(ask, 'who', text, right, twoAnd(names, PEOPLE, ask)));
    const first = names[0] as string;
    out.push(
      open(ask, 'who', random.pick(['Who speaks first?', 'Whose voice is heard first?']), first, {
        asked: ['who speaks first', 'about the first speaker', 'whose voice comes first'],
        said: [`${first} speaks first and ${names[1]} speaks later`, `${names[1]} speaks after ${first}`],
        so: [`${first} is first`, `the answer is ${first}`, `it is ${first}`],
      }),
    );
  }
  return out;
};

/** The names in the clip stay among the choices, filled up with people who are not. */
function twoAnd(names: readonly string[], all: readonly string[], { random }: Ask): string[] {
  const rest = random.shuffle(all.filter((name) => !names.includes(name)));
  return [...names, ...rest.slice(0, 2)];
}

const accents: Maker = (ask) =>
  ask.facts.speakers.flatMap((speaker, i) => {
    if (speaker.accent === null) return [];
    const name = speakerName(ask.facts, i, ask.random);
    const right = withArticle(`${speaker.accent} accent`);
    const steps = {
      asked: [`about the accent of ${name}`, `which accent ${name} has`],
      said: [`${name} has ${right}`, `${name} speaks with ${right}`],
      so: [`it is ${right}`, `the answer is ${right}`],
    };
    const text = ask.random.pick([
      `Which accent does ${name} have?`,
      `What is the accent of ${name}?`,
      `With which accent does ${name} speak?`,
    ]);
    const wrong = ACCENTS.map((accent) => withArticle(`${accent} accent`));
    return [...pickOne(ask, 'who', text, right, wrong), open(ask, 'who', text, right, steps)];
  });

const moods: Maker = (ask) =>
  ask.facts.speakers.flatMap((speaker, i) => {
    const name = speakerName(ask.facts, i, ask.random);
    const out = [];
    if (speaker.mood !== null) {
      const { mood } = speaker;
      const text = ask.random.pick([
        `How does ${name} sound?`,
        `What is the mood of ${name}?`,
        `In which mood does ${name} speak?`,
        `What is the mood in the voice of ${name}?`,
      ]);
      const steps = {
        asked: [`about the mood of ${name}`, `how ${name} sounds`],
        said: [`the voice is ${mood}`, `${name} speaks with ${withArticle(mood)} voice`, `${name} is ${mood}`],
        so: [`${name} sounds ${mood}`, `the mood is ${mood}`, `the answer is ${mood}`],
      };
      out.push(...pickOne(ask, 'mood', text, mood, MOODS), open(ask, 'mood', text, `${name} sounds ${mood}.`, steps));
    }
    if (speaker.pace !== null) {
      const pace = PACES[speaker.pace];
      out.push(
        open(ask, 'mood', ask.random.pick([`How fast does ${name} speak?`, `At what pace does ${name} speak?`]), pace, {
          asked: [`how fast ${name} speaks`, `about the pace of ${name}`],
          said: [`${name} speaks ${pace}`, `the words are spoken ${pace}`],
          so: [`the answer is ${pace}`, `it is ${pace}`],
        }),
      );
    }
    return out;
  });

const WRITE_DOWN = ['Write down the spoken words.', 'What is said in this clip?', 'Which words are spoken?'];

/** What was heard may be wrong in any of its words, so the choices are compared with the whole. */
const fitWords = (choice: string): string => `The words heard are compared with the choices. Best fit: ${choice}`;

const transcript: Maker = (ask) => {
  const { facts, random } = ask;
  return facts.turns.flatMap((turn, i) => {
    const speaker = facts.speakers[turn.speaker] as SpeakerFact;
    const name = speakerName(facts, turn.speaker, random);
    const steps = {
      asked: [`what ${name} says`, `which words ${name} says`, `about the words of ${name}`],
      said: [`${name} says "${turn.sentence.slice(0, -1)}"`, `the words are "${turn.sentence.slice(0, -1)}"`],
      so: ['these are the words', `${name} says this`, 'this is the answer'],
    };
    const turns = facts.turns.filter((other) => other.speaker === turn.speaker);
    const which =
      turns.length === 1 ? '' : turns[0] === turn ? ' first' : i === facts.turns.length - 1 ? ' last' : null;
    if (which === null) return [];
    const right = turn.sentence;
    const wrong = [0, 1, 2, 3].map(() => planSentence(random, speaker.mood ?? 'neutral').sentence);
    const text = random.pick([
      `What does ${name} say${which}?`,
      `Which words does ${name} say${which}?`,
      `What are the${which} words of ${name}?`,
    ]);
    return [
      ...pickOne(ask, 'transcript', text, right, [...wrong, ...otherWords(facts.turns, turn)], () => fitWords(right)),
      open(ask, 'transcript', text, right, steps),
      ...(facts.turns.length === 1 ? [open(ask, 'transcript', random.pick(WRITE_DOWN), turn.sentence, steps)] : []),
    ];
  });
};

function otherWords(turns: readonly TurnFact[], turn: TurnFact): string[] {
  return turns.filter((other) => other.speaker !== turn.speaker).map((other) => other.sentence);
}

const counts: Maker = (ask) => {
  const { facts, random } = ask;
  const n = facts.speakers.length;
  const right = ['none', 'one', 'two', 'three'][n] ?? 'many';
  const said = {
    none: ['nobody speaks', 'there is no voice'],
    one: ['one person speaks', 'there is one speaker'],
  }[right] ?? [`${right} people speak`, `there are ${right} speakers`];
  const text = random.pick([
    'How many people speak?',
    'How many speakers are there?',
    'How many voices are heard?',
    'How many different people are speaking?',
  ]);
  const steps = {
    asked: ['how many people speak', 'about the number of speakers'],
    said,
    so: [`the number is ${right}`, `the answer is ${right}`],
  };
  return [
    ...pickOne(ask, 'count', text, right, ['none', 'one', 'two', 'three']),
    open(ask, 'count', text, right, steps),
  ];
};

const times: Maker = (ask) => {
  const { facts, random } = ask;
  const turn = facts.turns[0];
  if (!turn || turn.start === null) return [];
  const name = facts.speakers.length === 1 ? `the ${headNoun(facts.speakers[0] as SpeakerFact)}` : 'the first speaker';
  const right = turn.start === 0 ? 'right at the start' : `at about ${secondsText(turn.start)}`;
  const text = random.pick([
    `When does ${name} begin to speak?`,
    `At what time does ${name} start to speak?`,
    `When is ${name} first heard?`,
  ]);
  return [
    open(ask, 'when', text, right, {
      asked: [`when ${name} begins to speak`, `when ${name} speaks`],
      said: [`${name} speaks ${right}`, `the words of ${name} begin ${right}`],
      so: [`it begins ${right}`, `the answer is ${right}`],
    }),
  ];
};

export const SPEECH_MAKERS: readonly Maker[] = [who, accents, moods, transcript, counts, times];
