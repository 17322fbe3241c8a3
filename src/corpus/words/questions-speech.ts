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

const who: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  const names = facts.speakers.map(personText);
  if (names.length === 1) {
    const right = names[0] as string;
    const steps = { asked: 'who speaks', said: `${right} speaks`, so: `the speaker is ${right}` };
    out.push(
      ...pickOne(ask, 'who', random.pick(['Who speaks in this clip?', 'Who is speaking?']), right, PEOPLE, steps),
    );
    out.push(open(ask, 'who', random.pick(['Who is speaking?', 'What kind of voice is heard?']), right, steps));
  }
  if (names.length === 2 && names[0] !== names[1]) {
    const turn = random.pick(facts.turns);
    const right = names[turn.speaker] as string;
    const quote = `"${turn.sentence}"`;
    const steps = { asked: `who says ${quote}`, said: `these words are spoken by ${right}`, so: `it is ${right}` };
    out.push(...pickOne(ask, 'who', `Who says ${quote}`, right, twoAnd(names, PEOPLE, ask), steps));
    const first = names[0] as string;
    out.push(
      open(ask, 'who', 'Who speaks first?', first, {
        asked: 'who speaks first',
        said: `${first} speaks first and ${names[1]} speaks later`,
        so: `${first} is first`,
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
    const steps = { asked: `about the accent of ${name}`, said: `${name} has ${right}`, so: `it is ${right}` };
    const wrong = ACCENTS.map((accent) => withArticle(`${accent} accent`));
    return [
      ...pickOne(ask, 'who', `Which accent does ${name} have?`, right, wrong, steps),
      open(ask, 'who', `What is the accent of ${name}?`, right, steps),
    ];
  });

const moods: Maker = (ask) =>
  ask.facts.speakers.flatMap((speaker, i) => {
    const name = speakerName(ask.facts, i, ask.random);
    const out = [];
    if (speaker.mood !== null) {
      const { mood } = speaker;
      const text = ask.random.pick([`How does ${name} sound?`, `What is the mood of ${name}?`]);
      const steps = { asked: `about the mood of ${name}`, said: `the voice is ${mood}`, so: `${name} sounds ${mood}` };
      out.push(
        ...pickOne(ask, 'mood', text, mood, MOODS, steps),
        open(ask, 'mood', text, `${name} sounds ${mood}.`, steps),
      );
    }
    if (speaker.pace !== null) {
      const pace = PACES[speaker.pace];
      out.push(
        open(ask, 'mood', `How fast does ${name} speak?`, pace, {
          asked: `how fast ${name} speaks`,
          said: `${name} speaks ${pace}`,
          so: `the answer is ${pace}`,
        }),
      );
    }
    return out;
  });

const transcript: Maker = (ask) => {
  const { facts, random } = ask;
  return facts.turns.flatMap((turn, i) => {
    const speaker = facts.speakers[turn.speaker] as SpeakerFact;
    const name = speakerName(facts, turn.speaker, random);
    const steps = {
      asked: `what ${name} says`,
      said: `${name} says "${turn.sentence}"`.replace(/[.?!]"$/, '"'),
      so: `these are the words`,
    };
    const turns = facts.turns.filter((other) => other.speaker === turn.speaker);
    const which =
      turns.length === 1 ? '' : turns[0] === turn ? ' first' : i === facts.turns.length - 1 ? ' last' : null;
    if (which === null) return [];
    const wrong = [0, 1, 2, 3].map(() => planSentence(random, speaker.mood ?? 'neutral').sentence);
    const text = random.pick([`What does ${name} say${which}?`, `Which words does ${name} say${which}?`]);
    return [
      ...pickOne(ask, 'transcript', text, turn.sentence, [...wrong, ...otherWords(facts.turns, turn)], steps),
      open(ask, 'transcript', text, turn.sentence, steps),
      ...(facts.turns.length === 1
        ? [open(ask, 'transcript', 'Write down the spoken words.', turn.sentence, steps)]
        : []),
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
  const said = n === 0 ? 'there is no speech' : n === 1 ? 'one person speaks' : `${right} people speak`;
  const text = random.pick(['How many people speak?', 'How many speakers are there?']);
  const steps = { asked: 'how many people speak', said, so: `the number is ${right}` };
  return [
    ...pickOne(ask, 'count', text, right, ['none', 'one', 'two', 'three'], steps),
    open(ask, 'count', text, right, steps),
  ];
};

const times: Maker = (ask) => {
  const { facts, random } = ask;
  const turn = facts.turns[0];
  if (!turn || turn.start === null) return [];
  const name = facts.speakers.length === 1 ? `the ${headNoun(facts.speakers[0] as SpeakerFact)}` : 'the first speaker';
  const right = turn.start === 0 ? 'right at the start' : `at about ${secondsText(turn.start)}`;
  const text = random.pick([`When does ${name} begin to speak?`, `At what time does ${name} start to speak?`]);
  return [
    open(ask, 'when', text, right, {
      asked: `when ${name} begins to speak`,
      said: `${name} speaks ${right}`,
      so: `it begins ${right}`,
    }),
  ];
};

export const SPEECH_MAKERS: readonly Maker[] = [who, accents, moods, transcript, counts, times];
