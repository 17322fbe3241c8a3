/** Questions about events, ambience, room and what is there or not. */

import { AMBIENCES, EVENTS } from '../sources/events.js';
import { capital } from './forms.js';
import type { EventFact, Presence } from './phrases.js';
import { secondsText } from './phrases.js';
import { type Ask, type Maker, open, pickOne } from './question-kit.js';
import { eventSurface, surfaceLabel } from './surfaces.js';

const NAMES: Readonly<Record<keyof Presence, string>> = { speech: 'speech', music: 'music', sound: 'sound effects' };
const TIMES = ['never', 'once', 'twice', 'three times', 'four times', 'five times'];

const presence: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  for (const kind of Object.keys(NAMES) as (keyof Presence)[]) {
    const name = NAMES[kind];
    const be = kind === 'sound' ? 'are' : 'is';
    const there = facts.presence[kind];
    const text = random.pick([`${capital(be)} there any ${name}?`, `Can you hear ${name}?`]);
    const claim = there ? `there ${be} ${name}` : `there ${be} no ${name}`;
    const steps = { asked: `about ${name}`, said: claim, so: `the answer is ${there ? 'yes' : 'no'}` };
    out.push(open(ask, 'presence', text, `${there ? 'Yes' : 'No'}, ${claim}.`, steps));
  }
  const right = kindsText(facts.presence);
  const all = [1, 2, 3, 4, 5, 6, 7].map((n) => kindsText({ speech: n % 2 > 0, music: (n & 2) > 0, sound: n > 3 }));
  const steps = { asked: 'which kinds of sound there are', said: `there is ${right}`, so: `the answer is ${right}` };
  const text = random.pick(['Which kinds of sound are in this clip?', 'What does this clip contain?']);
  out.push(...pickOne(ask, 'presence', text, right, all, steps));
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

const absence: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  const there = (Object.keys(NAMES) as (keyof Presence)[]).filter((kind) => facts.presence[kind]);
  const missing = (Object.keys(NAMES) as (keyof Presence)[]).filter((kind) => !facts.presence[kind]);
  if (missing.length > 0) {
    const names = missing.map((kind) => NAMES[kind]).join(' or ');
    out.push(
      open(
        ask,
        'absence',
        'Which is missing: speech, music or sound effects?',
        `there ${names.startsWith('sound') ? 'are' : 'is'} no ${names}.`,
        {
          asked: 'what is missing',
          said: `there is only ${there.map((kind) => NAMES[kind]).join(' and ')}`,
          so: `there is no ${names}`,
        },
      ),
    );
  }
  const heard = [...new Set(facts.events.map((e) => surfaceLabel(e.label)))];
  if (facts.ambience) heard.push(surfaceLabel(facts.ambience));
  if (facts.presence.speech) heard.push('someone speaking');
  if (facts.presence.music) heard.push('music');
  const right = surfaceLabel(absentLabels(ask)[0] as string);
  out.push(
    ...pickOne(ask, 'absence', random.pick(['Which of these is not heard?', 'Which sound is missing?']), right, heard, {
      asked: 'which sound is not heard',
      said: `the clip has ${heard.join(', ')}, but nothing about ${right}`,
      so: `${right} is not heard`,
    }),
  );
  const label = absentLabels(ask)[1] as string;
  const noun = surfaceLabel(label);
  out.push(
    open(
      ask,
      'absence',
      random.pick([`Is ${noun} heard in this clip?`, `Can you hear ${noun}?`]),
      `no, ${noun} is not heard.`,
      {
        asked: `about ${noun}`,
        said: facts.presence.sound ? 'other sounds are heard, but not this one' : 'there are no sound effects',
        so: 'the answer is no',
      },
    ),
  );
  return out;
};

const what: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  const missing = absentLabels(ask).map(surfaceLabel);
  if (facts.events.length > 0) {
    const noun = surfaceLabel(random.pick(facts.events).label);
    const steps = { asked: 'what sound is heard', said: `there is ${noun}`, so: `the answer is ${noun}` };
    out.push(...pickOne(ask, 'what', 'Which of these sounds is heard?', noun, missing.slice(0, 6), steps));
    const question = random.pick([`Is ${noun} heard in this clip?`, `Can you hear ${noun}?`]);
    out.push(
      open(ask, 'presence', question, `yes, ${noun} is heard.`, {
        ...steps,
        asked: `about ${noun}`,
        so: 'the answer is yes',
      }),
    );
  }
  const labels = [...new Set(facts.events.map((e) => e.label))];
  if (labels.length === 1) {
    const noun = surfaceLabel(labels[0] as string);
    const steps = { asked: 'which sound effect there is', said: `there is ${noun}`, so: `the answer is ${noun}` };
    if (facts.ambience === null) out.push(open(ask, 'what', 'Which sound effect is heard?', noun, steps));
  }
  for (const event of facts.events) {
    if (event.start === null || !alone(event, facts.events)) continue;
    const noun = surfaceLabel(event.label);
    const time = secondsText(event.start);
    const steps = { asked: `what is heard at ${time}`, said: `${noun} is heard at about ${time}`, so: `it is ${noun}` };
    out.push(open(ask, 'what', `What sound is heard at about ${time}?`, noun, steps));
  }
  if (facts.ambience) {
    const noun = surfaceLabel(facts.ambience);
    const wrong = AMBIENCES.map((a) => surfaceLabel(a.label));
    const steps = { asked: 'about the background', said: `${noun} is heard in the background`, so: `it is ${noun}` };
    out.push(...pickOne(ask, 'what', 'What is heard in the background all the time?', noun, wrong, steps));
    out.push(open(ask, 'what', 'What background sound is there?', noun, steps));
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
    const steps = { asked: `when ${the} is heard`, said: `it is heard ${right}`, so: `the time is ${right}` };
    const text = random.pick([`When is ${the} heard?`, `At what time is ${the} heard?`]);
    return [...pickOne(ask, 'when', text, right, wrong, steps), open(ask, 'when', text, right, steps)];
  });
};

const count: Maker = (ask) => {
  const { facts } = ask;
  return [...new Set(facts.events.map((e) => e.label))].flatMap((label) => {
    const n = facts.events.filter((e) => e.label === label).length;
    const right = TIMES[n] as string;
    const { the } = eventSurface(label);
    const text = `How many times is ${the} heard?`;
    const steps = {
      asked: `how many times ${the} is heard`,
      said: `it is heard ${right}`,
      so: `the answer is ${right}`,
    };
    return [...pickOne(ask, 'count', text, right, TIMES.slice(1, 5), steps), open(ask, 'count', text, right, steps)];
  });
};

const order: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  const firsts = facts.events.filter((e, i) => facts.events.findIndex((other) => other.label === e.label) === i);
  const [first, second] = firsts;
  if (first && second && clearlyBefore(first, second)) {
    const [a, b] = [eventSurface(first.label).the, eventSurface(second.label).the];
    const steps = {
      asked: 'about the order of the sounds',
      said: `${a} is heard first and ${b} later`,
      so: `${a} comes first`,
    };
    const pair = random.shuffle([a, b]).join(' or ');
    out.push(open(ask, 'order', `Which is heard first, ${pair}?`, a, steps));
    const wrong = firsts.slice(1).map((e) => eventSurface(e.label).the);
    for (const label of absentLabels(ask)
      .filter((l) => !AMBIENCES.some((amb) => amb.label === l))
      .slice(0, 3)) {
      if (wrong.length < 3) wrong.push(eventSurface(label).the);
    }
    out.push(...pickOne(ask, 'order', 'Which of these sounds is heard first?', a, wrong, steps));
  }
  const turn = facts.turns[0];
  if (first && first.start !== null && turn && turn.start !== null && Math.abs(first.start - turn.start) >= 1) {
    const { the } = eventSurface(first.label);
    const right = first.start < turn.start ? 'before' : 'after';
    out.push(
      open(
        ask,
        'order',
        `Is ${the} first heard before or after the first words?`,
        `it is heard ${right} the first words.`,
        {
          asked: `whether ${the} comes before the first words`,
          said: `it is heard at about ${secondsText(first.start)} and the first words at about ${secondsText(turn.start)}`,
          so: `it comes ${right} them`,
        },
      ),
    );
  }
  return out;
};

/** The caption lists events in their order; stated times must agree by a good half second. */
function clearlyBefore(a: EventFact, b: EventFact): boolean {
  return a.start === null || b.start === null || b.start - a.start >= 1;
}

const PLACES = {
  dry: 'a dry place without echo',
  room: 'a room with a little echo',
  hall: 'a large hall with a long echo',
} as const;

const where: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  if (facts.room !== null) {
    const right = PLACES[facts.room];
    const text = random.pick(['Where was this recorded?', 'What kind of place does this sound like?']);
    const steps = { asked: 'about the place', said: `it sounds like ${right}`, so: `it is ${right}` };
    out.push(...pickOne(ask, 'where', text, right, [...Object.values(PLACES), 'a place under water'], steps));
    out.push(open(ask, 'where', text, right, steps));
  }
  for (const event of facts.events) {
    if (event.distance === null || event.distance === 'middle') continue;
    if (facts.events.filter((e) => e.label === event.label).length > 1) continue;
    const { the } = eventSurface(event.label);
    const right = event.distance === 'far' ? 'far away' : 'close by';
    const steps = { asked: `how near ${the} is`, said: `it is ${right}`, so: `the answer is ${right}` };
    out.push(open(ask, 'where', `Is ${the} close by or far away?`, right, steps));
  }
  return out;
};

export const SOUND_MAKERS: readonly Maker[] = [presence, absence, what, when, count, order, where];
