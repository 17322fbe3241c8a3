/** What all makers of questions share: the facts they may use, choices, and the steps that lead to an answer. */

import type { Random } from '../../random.js';
import { listChoices } from '../../text/index.js';
import type { Question, Scene } from '../scene.js';
import { scenePresence } from './caption.js';
import { withoutMark } from './deciding.js';
import { type CaptionFacts, noFacts, type SpeakerFact } from './facts.js';
import { capital, stop } from './forms.js';
import { headNoun, roundTime } from './phrases.js';

/** What a maker sees: only what the caption states, so that a question can be answered from the caption. */
export interface Ask {
  facts: CaptionFacts;
  random: Random;
}

export type Maker = (ask: Ask) => Question[];

/** One wording, or several that say the same. */
export type Wording = string | readonly string[];

/** The steps of thinking: what is asked, what the caption says, what follows. Clauses without a final period. */
export interface Steps {
  asked: Wording;
  said: Wording;
  so: Wording;
}

const ASKED = ['The question asks', 'The question is', 'We are asked', 'I am asked', 'The user asks'];
const SAID = [
  'The caption says that',
  'According to the caption,',
  'The caption tells us that',
  'From the caption we know that',
  'The caption states that',
  'In the caption,',
  'We read that',
];
const SAID_FIRST = new RegExp(`(?<=^|[.?!] )(?:${SAID.join('|')})`);

/** The same thinking where the caption does not tell: what it was said to say is heard. */
export const heardAgain = (thinking: string): string => thinking.replace(SAID_FIRST, 'Listening again,');

const THEN = ['So', 'Therefore', 'This means that', 'Thus', 'That means that', 'It follows that', 'We conclude that'];

/** Two or three short sentences. */
export function think(random: Random, steps: Steps): string {
  const one = (wording: Wording) => (typeof wording === 'string' ? wording : random.pick(wording));
  const [asked, said, so] = [one(steps.asked), one(steps.said), one(steps.so)];
  const know = random.chance(0.2) && !asked.startsWith('about ') ? 'The user wants to know' : random.pick(ASKED);
  const first = stop(`${know} ${asked}`);
  const second = `${random.pick(SAID)} ${said}`;
  const shape = random.next();
  if (shape < 0.2) return `${first} ${second}, so ${stop(so)}`;
  const last = `${random.pick(THEN)} ${stop(so)}`;
  return shape < 0.4 ? `${stop(second)} ${last}` : `${first} ${stop(second)} ${last}`;
}

const BY_EAR = [
  'The choices are compared with the sound.',
  'The caption alone does not settle this.',
  'I compare each choice with what is heard.',
  'We listen for each of the choices.',
];

/**
 * Thinking for a question with choices. A model's own caption may be wrong or leave out what is asked for, so it leans on
 * the sound and the choices instead of quoting.
 */
function thinkByEar(random: Random, choice: string): string {
  const bare = withoutMark(choice);
  const fits = random.pick([
    `Of the choices, ${bare} fits best.`,
    `The best fit is ${bare}.`,
    `The choice that fits the sound best is ${bare}.`,
  ]);
  return `${random.pick(BY_EAR)} ${fits}`;
}

/** An open question. */
export function open(ask: Ask, kind: Question['kind'], text: string, answer: string, steps: Steps): Question {
  return openThought(kind, text, answer, think(ask.random, steps));
}

/** An open question whose thinking is its own. */
export function openThought(kind: Question['kind'], text: string, answer: string, thinking: string): Question {
  return { kind, text, answer: capital(answer), thinking };
}

/**
 * A question with four choices, the right one at a random place.
 * @param wrong at least three different texts, none of them true; fewer give no question
 * @param thought makes the thinking of the choices; by ear without it
 */
export function pickOne(
  { random }: Pick<Ask, 'random'>,
  kind: Question['kind'],
  text: string,
  right: string,
  wrong: readonly string[],
  thought: (choices: readonly string[]) => string = () => thinkByEar(random, right),
): Question[] {
  const others = [...new Set(wrong)].filter((choice) => choice !== right);
  if (others.length < 3) return [];
  const choices = random.shuffle(others).slice(0, 3);
  choices.splice(random.int(4), 0, right);
  return [{ kind, text: `${text} ${listChoices(choices)}`, choices, answer: right, thinking: thought(choices) }];
}

/** How a question names a speaker: "the speaker", "the woman", "the second man". */
export function speakerName(facts: CaptionFacts, index: number, random: Random): string {
  const me = facts.speakers[index] as SpeakerFact;
  if (facts.speakers.length === 1) return random.pick(['the speaker', `the ${headNoun(me)}`]);
  const alike = facts.speakers.filter((other) => headNoun(other) === headNoun(me));
  if (alike.length === 1) return `the ${headNoun(me)}`;
  return `the ${index === 0 ? 'first' : 'second'} ${alike.length === facts.speakers.length ? headNoun(me) : 'speaker'}`;
}

/** Everything that is true of a scene, as a caption that leaves nothing out would state it. */
export function trueFacts(scene: Scene): CaptionFacts {
  const order = [...new Set(scene.speech.map((turn) => turn.speaker))];
  const presence = scenePresence(scene);
  const { music } = scene;
  return {
    ...noFacts(),
    presence,
    seconds: Math.round(scene.seconds),
    speakers: order.map((index) => {
      const { gender, age, accent, pace, mood } = scene.speakers[index] as Scene['speakers'][number];
      return { gender, age, accent, pace, mood };
    }),
    turns: scene.speech.map((turn) => ({
      speaker: order.indexOf(turn.speaker),
      sentence: turn.sentence,
      start: roundTime(turn.start),
    })),
    music: music && {
      instruments: music.instruments,
      tempo: music.tempo,
      mood: music.mood,
      key: music.key,
      mode: music.mode,
      role: music.role,
      start: roundTime(music.start),
      end: roundTime(music.end),
      drums: music.drums,
    },
    events: scene.events.map((e) => ({ label: e.label, start: roundTime(e.start), distance: e.distance })),
    ambience: scene.ambience?.label ?? null,
    room: scene.room.kind,
    band: scene.quality.band,
    noise: scene.quality.noise,
    absent: (['music', 'sound', 'speech'] as const).filter((kind) => !presence[kind]),
  };
}
