/** Questions about events, ambience, room and what is there or not. */

import type { Random } from '../../random.js';
import { lettered, letterOf } from '../../text/index.js';
import type { Question } from '../scene.js';
import { AMBIENCES, EVENTS, eventByLabel } from '../sources/events.js';
import { FIRST_LOOKED_FOR, LOOKED_FOR, NO_CHOICE, NONE, NOT_HEARD } from './deciding.js';
import type { CaptionFacts } from './facts.js';
import { capital, listing } from './forms.js';
import type { EventFact, Presence } from './phrases.js';
import { secondsText } from './phrases.js';
import { type Ask, type Maker, open, openThought, pickOne } from './question-kit.js';
import { eventSurface, isAre, itIs, surfaceLabel } from './surfaces.js';

const NAMES: Readonly<Record<keyof Presence, string>> = { speech: 'speech', music: 'music', sound: 'sound effects' };
const TIMES = ['never', 'once', 'twice', 'three times', 'four times', 'five times'];

const presence: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  for (const kind of Object.keys(NAMES) as (keyof Presence)[]) {
    const name = NAMES[kind];
    const be = kind === 'sound' ? 'are' : 'is';
    const there = facts.presence[kind];
    const text = random.pick([
      `${capital(be)} there any ${name}?`,
      `Can you hear ${name}?`,
      `Does the clip have ${name}?`,
      `${capital(be)} ${name} heard in this clip?`,
    ]);
    const claim = there ? `there ${be} ${name}` : `there ${be} no ${name}`;
    const answer = `the answer is ${there ? 'yes' : 'no'}`;
    const only = `the clip has ${kindsText(facts.presence)}`;
    // a caption need not say outright what is missing
    const outright = random.chance(0.5) && (there || facts.absent.includes(kind));
    const steps = {
      asked: [`about ${name}`, `whether there ${be} ${name}`],
      said: outright ? claim : only,
      so: outright ? answer : [answer, claim],
    };
    out.push(open(ask, 'presence', text, `${there ? 'Yes' : 'No'}, ${claim}.`, steps));
  }
  const right = kindsText(facts.presence);
  const all = [1, 2, 3, 4, 5, 6, 7].map((n) => kindsText({ speech: n % 2 > 0, music: (n & 2) > 0, sound: n > 3 }));
  const text = random.pick([
    'Which kinds of sound are in this clip?',
    'What does this clip contain?',
    'What is this clip made of?',
    'Which of these describes the clip?',
  ]);
  out.push(...pickOne(ask, 'presence', text, right, all));
  return out;
};

/** "speech only", "speech and music": one wording for each combination. */
function kindsText(value: Presence): string {
  const list = (Object.keys(NAMES) as (keyof Presence)[]).filter((kind) => value[kind]).map((kind) => NAMES[kind]);
  if (list.length === 0) return 'silence';
  return list.length === 1 ? `${list[0]} only` : `${list.slice(0, -1).join(', ')} and ${list[list.length - 1]}`;
}

/** Labels of events and ambiences that are not in the clip. */
function absentLabels({ facts, random }: Ask): string[] {
  const there = new Set([...facts.events.map((e) => e.label), facts.ambience]);
  return random.shuffle([...EVENTS, ...AMBIENCES].map((e) => e.label).filter((label) => !there.has(label)));
}

const WHAT_IS_MISSING = [
  'Which of these is not heard?',
  'Which sound is missing?',
  'Which of these is not in the clip?',
  'What can you not hear?',
];

/** Ways to ask whether a sound is there. */
function isHeard(noun: string): string[] {
  return [
    `${capital(isAre(noun))} ${noun} heard in this clip?`,
    `Can you hear ${noun}?`,
    `Does the clip have ${noun}?`,
    `${capital(isAre(noun))} there ${noun} in this clip?`,
  ];
}

/** Events, each once, and the ambience, in the words of questions. */
function soundsHeard({ events, ambience }: CaptionFacts): string[] {
  const heard = [...new Set(events.map(({ label }) => surfaceLabel(label)))];
  return ambience ? [...heard, surfaceLabel(ambience)] : heard;
}

/**
 * Thinking that looks for one sound: first all that there are, in the question's own words, then the one that was asked for, if it is among
 * them. A small model finds it by copying what stands in both places; whether two phrases are the same it cannot tell otherwise.
 */
function lookFor(facts: CaptionFacts, asked: string | null): string {
  const sounds = soundsHeard(facts);
  const found = sounds.length > 0 ? listing(sounds) : 'no such sound';
  return `The caption tells of ${found}. ${LOOKED_FOR} ${asked === null ? NONE : bare(asked)}.`;
}

/** The same for what comes first: all sounds in their order, then the first of those that were asked for. */
function lookForFirst(inOrder: readonly string[], first: string): string {
  return `In order, the caption tells of ${listing(inOrder)}. ${FIRST_LOOKED_FOR} ${bare(first)}.`;
}

/**
 * The same for what is not there: behind all that is heard its letter among the choices. The letter that is left is that of the
 * choice that is not heard, which could not be copied from anywhere else.
 */
function goThrough(heard: readonly string[], choices: readonly string[], right: string): string {
  const marked = heard.map((sound) => `${sound} (${choices.includes(sound) ? letterOf(choices, sound) : NO_CHOICE})`);
  return `The caption tells of ${listing(marked)}. ${NOT_HEARD} ${lettered(choices, right)}.`;
}

/** A noun without its article, so that its first word tells it from others. */
const bare = (noun: string): string => noun.replace(/^(an?|the) /, '');

/** Which of four choices is not heard; no question where less than three sounds are. */
function missingOf(random: Random, heard: readonly string[], right: string): Question[] {
  const thought = (choices: readonly string[]) => goThrough(heard, choices, right);
  return pickOne({ random }, 'absence', random.pick(WHAT_IS_MISSING), right, heard, thought);
}

/** The same of sounds that are drawn at random and told of in words, in the order of their telling. */
export function missingOfDrawn(random: Random): { told: string; question: Question } {
  const drawn = random
    .shuffle([...EVENTS, ...AMBIENCES].map(({ label }) => surfaceLabel(label)))
    .slice(0, 2 + random.int(5));
  const [right, ...sounds] = drawn;
  const heard = [...sounds, ...['someone speaking', 'music'].filter(() => random.chance(0.7))];
  const [question] = missingOf(random, heard, right);
  return question ? { told: `${capital(listing(heard))}.`, question } : missingOfDrawn(random);
}

const absence: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  const there = (Object.keys(NAMES) as (keyof Presence)[]).filter((kind) => facts.presence[kind]);
  const missing = (Object.keys(NAMES) as (keyof Presence)[]).filter((kind) => !facts.presence[kind]);
  if (missing.length > 0) {
    const names = missing.map((kind) => NAMES[kind]).join(' or ');
    const be = names.startsWith('sound') ? 'are' : 'is';
    const gone = listing(missing.map((kind) => NAMES[kind]));
    const has = there.map((kind) => NAMES[kind]).join(' and ') || 'silence';
    out.push(
      open(
        ask,
        'absence',
        random.pick([
          'Which is missing: speech, music or sound effects?',
          'Of speech, music and sound effects, what is missing?',
          'What is not there: speech, music or sound effects?',
        ]),
        `there ${be} no ${names}.`,
        {
          asked: ['what is missing', 'about what is missing', 'what is not there'],
          said: [`there is only ${has}`, `the clip contains ${has}`, `the clip has only ${has}`],
          so: [`there ${be} no ${names}`, `${gone} ${gone === 'speech' || gone === 'music' ? 'is' : 'are'} missing`],
        },
      ),
    );
  }
  const heard = soundsHeard(facts);
  if (facts.presence.speech) heard.push('someone speaking');
  if (facts.presence.music) heard.push('music');
  const right = surfaceLabel(absentLabels(ask)[0] as string);
  out.push(...missingOf(random, heard, right));
  const label = absentLabels(ask)[1] as string;
  const noun = surfaceLabel(label);
  out.push(
    openThought('absence', random.pick(isHeard(noun)), `no, ${noun} ${isAre(noun)} not heard.`, lookFor(facts, null)),
  );
  return out;
};

const ONE_SOUND = [
  'Which of these sounds is heard?',
  'Which of these can you hear?',
  'Which sound is in the clip?',
  'What is heard in this clip?',
];

const what: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  const missing = absentLabels(ask).map(surfaceLabel);
  if (facts.events.length > 0) {
    const noun = surfaceLabel(random.pick(facts.events).label);
    out.push(...pickOne(ask, 'what', random.pick(ONE_SOUND), noun, missing.slice(0, 6)));
    out.push(
      openThought('presence', random.pick(isHeard(noun)), `yes, ${noun} ${isAre(noun)} heard.`, lookFor(facts, noun)),
    );
  }
  const labels = [...new Set(facts.events.map((e) => e.label))];
  if (labels.length === 1) {
    const noun = surfaceLabel(labels[0] as string);
    const steps = {
      asked: ['which sound effect there is', 'about the sound effect'],
      said: [`there ${isAre(noun)} ${noun}`, `we hear ${noun}`],
      so: [`the answer is ${noun}`, `it is ${noun}`],
    };
    const text = random.pick(['Which sound effect is heard?', 'What is the sound effect?', 'Name the sound effect.']);
    if (facts.ambience === null) out.push(open(ask, 'what', text, noun, steps));
  }
  for (const event of facts.events) {
    if (event.start === null || !alone(event, facts.events)) continue;
    const noun = surfaceLabel(event.label);
    const time = secondsText(event.start);
    const steps = {
      asked: [`what is heard at ${time}`, `about the sound at ${time}`],
      said: [`${noun} ${isAre(noun)} heard at about ${time}`, `at about ${time} we hear ${noun}`],
      so: [`it is ${noun}`, `the answer is ${noun}`],
    };
    const text = random.pick([
      `What sound is heard at about ${time}?`,
      `Which sound comes at about ${time}?`,
      `Which sound effect comes at about ${time}?`,
    ]);
    out.push(open(ask, 'what', text, noun, steps));
  }
  if (facts.ambience) {
    const noun = surfaceLabel(facts.ambience);
    const wrong = AMBIENCES.map((a) => surfaceLabel(a.label));
    const steps = {
      asked: ['about the background', 'what is heard in the background'],
      said: [`${noun} ${isAre(noun)} heard in the background`, `the background is ${noun}`],
      so: [`it is ${noun}`, `the answer is ${noun}`],
    };
    const text = random.pick([
      'What is heard in the background all the time?',
      'What background sound is there?',
      'Which sound goes on all the time?',
    ]);
    out.push(...pickOne(ask, 'what', text, noun, wrong));
    out.push(open(ask, 'what', text, noun, steps));
  }
  return out;
};

/** No other event begins within a second of this one, and none has an unknown time. */
function alone(event: EventFact, events: readonly EventFact[]): boolean {
  return events.every((e) => e === event || (e.start !== null && Math.abs(e.start - (event.start as number)) > 1));
}

const when: Maker = (ask) => {
  const { facts, random } = ask;
  return facts.events.flatMap((event) => {
    const { start } = event;
    if (start === null || facts.events.filter((e) => e.label === event.label).length > 1) return [];
    const { the } = eventSurface(event.label);
    const right = start === 0 ? 'right at the start' : `at about ${secondsText(start)}`;
    const last = facts.seconds ?? 6;
    const wrong = Array.from({ length: 2 * last }, (_, i) => i / 2 + 0.5)
      .filter((t) => Math.abs(t - start) >= 1)
      .map((t) => `at about ${secondsText(t)}`);
    const be = isAre(the);
    const steps = {
      asked: [`when ${the} ${be} heard`, `about the time of ${the}`],
      said: [`${itIs(the)} heard ${right}`, `${the} ${be} heard ${right}`],
      so: [`the time is ${right}`, `the answer is ${right}`, `${itIs(the)} heard ${right}`],
    };
    const text = random.pick([
      `When ${be} ${the} heard?`,
      `At what time ${be} ${the} heard?`,
      `At which time can you hear ${the}?`,
    ]);
    return [...pickOne(ask, 'when', text, right, wrong), open(ask, 'when', text, right, steps)];
  });
};

const count: Maker = (ask) => {
  const { facts, random } = ask;
  return [...new Set(facts.events.map((e) => e.label))].flatMap((label) => {
    // one "footsteps" is many steps: nobody could say how often it is heard
    if (!eventByLabel(label).countable) return [];
    const n = facts.events.filter((e) => e.label === label).length;
    const right = TIMES[n] as string;
    const { the } = eventSurface(label);
    const be = isAre(the);
    const text = random.pick([
      `How many times ${be} ${the} heard?`,
      `How often ${be} ${the} heard?`,
      `How many times can you hear ${the}?`,
    ]);
    const steps = {
      asked: [`how many times ${the} ${be} heard`, `how often ${the} ${be} heard`],
      said: [`${itIs(the)} heard ${right}`, `${the} ${be} heard ${right}`],
      so: [`the answer is ${right}`, `${itIs(the)} heard ${right}`],
    };
    return [...pickOne(ask, 'count', text, right, TIMES.slice(1, 5)), open(ask, 'count', text, right, steps)];
  });
};

const FIRST_SOUND = [
  'Which of these sounds is heard first?',
  'Which sound comes first?',
  'What is the first sound effect?',
];

const order: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  const firsts = facts.events.filter((e, i) => facts.events.findIndex((other) => other.label === e.label) === i);
  const [first, second] = firsts;
  if (first && second && clearlyBefore(first, second)) {
    const inOrder = firsts.map((e) => eventSurface(e.label).the);
    const [earlier, later] = random.pick(orderedPairs(firsts)).map((i) => inOrder[i]);
    const pair = random.shuffle([earlier, later]).join(' or ');
    const text = random.pick([
      `Which is heard first, ${pair}?`,
      `What comes first, ${pair}?`,
      `Which is earlier, ${pair}?`,
    ]);
    out.push(openThought('order', text, earlier, lookForFirst(inOrder, earlier)));
    const right = inOrder[0];
    const wrong = inOrder.slice(1);
    for (const label of absentLabels(ask)
      .filter((l) => !AMBIENCES.some((amb) => amb.label === l))
      .slice(0, 3)) {
      if (wrong.length < 3) wrong.push(eventSurface(label).the);
    }
    const thought = lookForFirst(inOrder, right);
    out.push(...pickOne(ask, 'order', random.pick(FIRST_SOUND), right, wrong, () => thought));
  }
  const turn = facts.turns[0];
  if (first && first.start !== null && turn && turn.start !== null && Math.abs(first.start - turn.start) >= 1) {
    const { the } = eventSurface(first.label);
    const right = first.start < turn.start ? 'before' : 'after';
    out.push(
      open(
        ask,
        'order',
        random.pick([
          `${capital(isAre(the))} ${the} first heard before or after the first words?`,
          `What comes first, ${the} or the first words?`,
        ]),
        `${itIs(the)} heard ${right} the first words.`,
        {
          asked: [`whether ${the} or the first words come first`, `about ${the} and the first words`],
          said: `${itIs(the)} heard at about ${secondsText(first.start)} and the first words at about ${secondsText(turn.start)}`,
          so: [`${itIs(the)} heard ${right} them`, `${itIs(the)} ${right} the first words`],
        },
      ),
    );
  }
  return out;
};

/** Places of two events of which one is clearly before the other. */
function orderedPairs(events: readonly EventFact[]): [earlier: number, later: number][] {
  const places = [...events.keys()];
  return places.flatMap((a) =>
    places.filter((b) => b > a && clearlyBefore(events[a], events[b])).map((b): [number, number] => [a, b]),
  );
}

/** The caption lists events in their order; stated times must agree by a good half second. */
function clearlyBefore(a: EventFact, b: EventFact): boolean {
  return a.start === null || b.start === null || b.start - a.start >= 1;
}

const PLACES = {
  dry: 'a dry place without echo',
  room: 'a room with a little echo',
  hall: 'a large hall with a long echo',
} as const;

const ECHO = {
  dry: 'there is no echo',
  room: 'there is a little echo',
  hall: 'there is a long echo',
} as const;

const where: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  if (facts.room !== null) {
    const right = PLACES[facts.room];
    const text = random.pick([
      'Where was this recorded?',
      'What kind of place does this sound like?',
      'In what kind of place was this recorded?',
      'What does the place sound like?',
    ]);
    const steps = {
      asked: ['about the place', 'where this was recorded', 'what kind of place this is'],
      said: [`it sounds like ${right}`, ECHO[facts.room]],
      so: [`it is ${right}`, `the answer is ${right}`, `the place is ${right}`],
    };
    out.push(...pickOne(ask, 'where', text, right, [...Object.values(PLACES), 'a place under water']));
    out.push(open(ask, 'where', text, right, steps));
  }
  for (const event of facts.events) {
    if (event.distance === null || event.distance === 'middle') continue;
    if (facts.events.filter((e) => e.label === event.label).length > 1) continue;
    const { the } = eventSurface(event.label);
    const right = event.distance === 'far' ? 'far away' : 'close by';
    const be = isAre(the);
    const steps = {
      asked: [`how near ${the} ${be}`, `about the distance of ${the}`],
      said: [`${itIs(the)} ${right}`, `${itIs(the)} heard ${right}`],
      so: [`the answer is ${right}`, `${itIs(the)} ${right}`],
    };
    const text = random.pick([
      `${capital(be)} ${the} close by or far away?`,
      `How near ${be} ${the}?`,
      `${capital(be)} ${the} far away or close by?`,
    ]);
    out.push(open(ask, 'where', text, right, steps));
  }
  return out;
};

export const SOUND_MAKERS: readonly Maker[] = [presence, absence, what, when, count, order, where];
