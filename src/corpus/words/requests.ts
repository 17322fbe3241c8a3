/** Requests that a scene would fulfil, as people ask for sound, and the four-part thinking that leads to its caption. */
import type { Random } from '../../random.js';
import type { RenderRequest, Scene, Speaker } from '../scene.js';
import { capital, listing, stop } from './forms.js';
import { headNoun, roundTime, secondsText, withArticle } from './phrases.js';
import { AMBIENCE_SURFACES, eventSurface, INSTRUMENT_SURFACES, isAre } from './surfaces.js';

/** Plain wishes; {parts} is what must be heard. */
const REALISTIC = [
  'I need {a} {parts}',
  'I want {a} {parts}',
  'I would like {a} {parts}',
  'Please make {a} {parts}',
  'Can you make {a} {parts}?',
  'Could you make {a} {parts}?',
  'Give me {a} {parts}',
  'Make {a} {parts}',
  'For my game I need {a} {parts}',
  'I am making a film and need {a} {parts}',
  'Let me hear {parts}',
  'I want to hear {parts}',
  'Please play {parts}',
  '{Parts}, please',
  'Just {parts}',
  '{Parts}',
];
const CARRIERS = ['a recording with', 'a clip with', 'audio with', 'a sound with', 'a short recording of', 'a clip of'];

/** Situations that imply the scene. */
const IMAGINARY = [
  'Imagine that you close your eyes and hear {parts}. What does it sound like?',
  'Imagine a place with {parts}. What do you hear?',
  'In my story, the reader hears {parts}. Let me hear it.',
  'My story begins with {parts}. Make the sound of it.',
  'Picture a short film with {parts}. Make its sound.',
  'A film opens with {parts}. How does it sound?',
  'I dreamed of {parts}. Turn the dream into sound.',
  'Last night I dreamed of {parts}. Make it heard.',
  'You walk into a place and hear {parts}. Make this sound.',
  'In a game, the player hears {parts}. Make the sound for it.',
  'On the radio you hear {parts}. Play it.',
  'Someone remembers {parts}. Turn the memory into sound.',
  'A picture shows {parts}. How would it sound?',
];

/** One plain wish and one situation that implies the scene. */
export function requests(scene: Scene, random: Random): RenderRequest[] {
  return [
    {
      style: 'realistic',
      text: fillIn(random.pick(REALISTIC), scene, random),
      thinking: thinking(scene, ['asks for', 'wants', 'wants to hear', 'would like', 'needs'], random),
    },
    {
      style: 'imaginary',
      text: fillIn(random.pick(IMAGINARY), scene, random),
      thinking: thinking(scene, ['imagines', 'thinks of', 'tells of', 'wants to hear'], random),
    },
  ];
}

function fillIn(form: string, scene: Scene, random: Random): string {
  const parts = listing(wishes(scene, random)) + setting(scene, random);
  const text = form
    .replace('{a}', random.pick(CARRIERS))
    // a function: the parts hold no replacement patterns
    .replace(/\{parts\}/i, (slot) => (slot === '{Parts}' ? capital(parts) : parts));
  return text.endsWith('?') ? text : stop(text.replace(/\.$/, '')).replace(/([.?!]")\. /, '$1 ');
}

/** Now and then the wish names the place or the length too. */
function setting(scene: Scene, random: Random): string {
  const place = { dry: ' without echo', room: ' in a room', hall: ' in a large hall' }[scene.room.kind];
  const where = random.chance(0.25) ? place : '';
  return random.chance(0.2) ? `${where}, about ${secondsText(Math.round(scene.seconds))} long` : where;
}

/** What must be heard, as noun phrases; speech, music, events and ambience come in any order. */
function wishes(scene: Scene, random: Random): string[] {
  const { music, ambience } = scene;
  const speech = scene.speech.map((turn, i) => {
    const speaker = scene.speakers[turn.speaker] as Speaker;
    const again = scene.speech.findIndex((other) => other.speaker === turn.speaker) < i;
    const who = again ? `the ${sameAs(scene, turn.speaker)} ${headNoun(speaker)}` : speakerText(speaker, random);
    return `${who} ${random.pick(['saying', 'who says', 'speaking the words'])} "${turn.sentence}"`;
  });
  const played = music ? [musicText(music, random)] : [];
  const events = scene.events.map((event) => eventSurface(event.label).noun);
  const behind = ambience ? [`${AMBIENCE_SURFACES[ambience.label]} in the background`] : [];
  const sections = [speech, played, events, behind];
  const out = (random.chance(0.6) ? sections : random.shuffle(sections)).flat();
  return out.length > 0 ? out : ['silence'];
}

/** "same", or "first" and "second" where two speakers are called alike. */
function sameAs(scene: Scene, speaker: number): string {
  const noun = headNoun(scene.speakers[speaker] as Speaker);
  const order = [...new Set(scene.speech.map((turn) => turn.speaker))];
  const alike = order.filter((index) => headNoun(scene.speakers[index] as Speaker) === noun);
  return alike.length < 2 ? 'same' : alike[0] === speaker ? 'first' : 'second';
}

/** "an old woman", "an angry boy", "a man with a British accent" */
function speakerText({ gender, age, mood, accent }: Speaker, random: Random): string {
  const child = gender === 'man' ? 'boy' : 'girl';
  const noun = age === 'child' ? child : age === 'adult' ? gender : `${age === 'elderly' ? 'old' : 'young'} ${gender}`;
  const who = withArticle(mood !== 'neutral' && random.chance(0.4) ? `${mood} ${noun}` : noun);
  return random.chance(0.2) ? `${who} with ${withArticle(accent)} accent` : who;
}

function musicText(music: NonNullable<Scene['music']>, random: Random): string {
  const instruments = music.instruments.map((id) => INSTRUMENT_SURFACES[id]).join(' and ');
  const tempo = music.tempo === 'medium' ? 'moderate' : music.tempo;
  const text = random.pick([
    `${tempo} ${music.mood} music on ${instruments}`,
    `a ${tempo} and ${music.mood} tune on ${instruments}`,
    `${music.mood} music on ${instruments} at a ${tempo} tempo`,
    `${instruments} playing a ${tempo} ${music.mood} tune`,
  ]);
  return music.drums && random.chance(0.5) ? `${text} with drums` : text;
}

/** "1. User Intent: ... 2. Inferred Details: ... 3. Audio Quality: ... 4. Generation Plan: ...", one a line. */
function thinking(scene: Scene, verbs: readonly string[], random: Random): string {
  const kinds = [
    ...(scene.speech.length > 0 ? ['speech'] : []),
    ...(scene.music ? ['music'] : []),
    ...(scene.events.length > 0 || scene.ambience ? ['sound effects'] : []),
  ];
  return [
    `1. User Intent: The user ${random.pick(verbs)} ${listing(kinds.length > 0 ? kinds : ['silence'])}.`,
    `2. Inferred Details: ${inferred(scene, random)}`,
    `3. Audio Quality: ${quality(scene, random)}`,
    `4. Generation Plan: ${plan(wishes(scene, random), random)}`,
  ].join('\n');
}

/** Place and length, and one more thing that the caption may say. */
function inferred(scene: Scene, random: Random): string {
  const place = { dry: 'a dry place without echo', room: 'a room with a little echo', hall: 'a large hall' }[
    scene.room.kind
  ];
  const long = `about ${secondsText(Math.round(scene.seconds))}`;
  const first = random.pick([
    `The sound takes place in ${place} and lasts ${long}.`,
    `It is heard in ${place} for ${long}.`,
    `The place is ${place}. The clip lasts ${long}.`,
    `The clip is ${long} long and sounds like ${place}.`,
    `${capital(long)} in ${place}.`,
  ]);
  const more = details(scene, random);
  return more.length > 0 && random.chance(0.6) ? `${first} ${random.pick(more)}` : first;
}

function details(scene: Scene, random: Random): string[] {
  const out: string[] = [];
  const { music } = scene;
  const turn = scene.speech[0];
  if (turn) {
    const { mood, accent, pace } = scene.speakers[turn.speaker] as Speaker;
    const voice = scene.speech.every((t) => t.speaker === turn.speaker) ? 'The voice' : 'The first voice';
    out.push(`${voice} is ${mood} and has ${withArticle(accent)} accent.`);
    out.push(`${voice} is ${mood} and the pace is ${pace}.`);
    out.push(`The words begin at about ${secondsText(roundTime(turn.start))}.`);
  }
  if (music) {
    out.push(`The music is in a ${music.mode} key${music.drums ? ', with drums' : ''}.`);
    if (turn) out.push(`The music is in the ${music.role}.`);
  }
  const event = scene.events.length > 0 ? random.pick(scene.events) : null;
  if (event) {
    const { the } = eventSurface(event.label);
    const once = scene.events.filter((e) => e.label === event.label).length === 1;
    if (once) {
      out.push(`${capital(the)} ${isAre(the)} heard at about ${secondsText(roundTime(event.start))}.`);
      if (event.distance !== 'middle') {
        out.push(`${capital(the)} ${isAre(the)} ${event.distance === 'far' ? 'far away' : 'close by'}.`);
      }
    }
  }
  return out;
}

function quality({ quality: { band, noise } }: Scene, random: Random): string {
  const hiss = withArticle(`${noise} hiss`);
  if (band === 'full' && noise === 'none') {
    return random.pick([
      'The recording is clean and its band is full.',
      'The sound is clear and full.',
      'It is clear and without noise.',
      'A clean recording with a full band.',
    ]);
  }
  if (band === 'full') {
    return random.pick([
      `The recording has ${hiss} and its band is full.`,
      `There is ${hiss}.`,
      `The band is full, with ${hiss}.`,
    ]);
  }
  const narrow = random.pick([
    'The sound is narrow like a telephone',
    'The band is narrow, as in a telephone call',
    'It sounds like a telephone call',
  ]);
  return noise === 'none' ? `${narrow}.` : `${narrow}, with ${hiss}.`;
}

function plan(parts: readonly string[], random: Random): string {
  const all = listing(parts);
  if (parts.length === 1) {
    return stop(
      random.pick([`Make ${all}`, `Play ${all}`, `The sound is ${all}`, `Only ${all}`, `Let ${all} be heard`]),
    );
  }
  const [first, ...rest] = parts as [string, ...string[]];
  return stop(
    random.pick([
      `Combine ${all}`,
      `Mix ${all}`,
      `Put together ${all}`,
      `Make ${first} together with ${listing(rest)}`,
      `Play ${all}`,
      `Use ${all}`,
    ]),
  );
}
