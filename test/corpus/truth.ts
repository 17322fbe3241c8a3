/**
 * An independent reading of the small world's questions: for a question's text and a scene, which answers are true.
 * It knows the names of sounds (surfaces.ts) but none of the code that makes questions.
 */
import type { Scene, Speaker } from '../../src/corpus/scene.js';
import { AMBIENCE_SURFACES, EVENT_SURFACES, INSTRUMENT_SURFACES } from '../../src/corpus/words/surfaces.js';

/** Tells whether an answer or a choice (first letter and final period aside) is true. */
export type Truth = (answer: string) => boolean;

type Rule = readonly [RegExp, (scene: Scene, match: string[]) => Truth];

export const half = (seconds: number): number => Math.round(seconds * 2) / 2;
/** Without the final period and the capital that an open answer begins with. */
const plain = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '');
const is =
  (right: string): Truth =>
  (answer) =>
    answer === plain(right);
const yesNo = (yes: boolean, claim: string): Truth => is(`${yes ? 'yes' : 'no'}, ${claim}`);
const areIs = (noun: string): string =>
  /(bubbles|tones|footsteps|blows|waves|crickets|strings|effects)$/.test(noun) ? 'are' : 'is';

const labelOf = (noun: string): string => {
  const event = Object.entries(EVENT_SURFACES).find(([, s]) => s.noun === noun || s.the === noun);
  const other = Object.entries({ ...AMBIENCE_SURFACES, ...INSTRUMENT_SURFACES }).find(([, n]) => n === noun);
  const label = event?.[0] ?? other?.[0];
  if (!label) throw new Error(`no sound is called "${noun}"`);
  return label;
};
const hears = (scene: Scene, noun: string): boolean => {
  if (noun === 'someone speaking') return scene.speech.length > 0;
  if (noun === 'music') return scene.music !== null;
  const label = labelOf(noun);
  return scene.ambience?.label === label || scene.events.some((e) => e.label === label);
};
const firstOf = (scene: Scene, noun: string) => scene.events.find((e) => e.label === labelOf(noun));

const kindsOf = (scene: Scene): string[] => [
  ...(scene.speech.length > 0 ? ['speech'] : []),
  ...(scene.music ? ['music'] : []),
  ...(scene.events.length > 0 || scene.ambience ? ['sound effects'] : []),
];
const ALL_KINDS = ['speech', 'music', 'sound effects'];

const childNoun = (s: Speaker): string => (s.gender === 'man' ? 'boy' : 'girl');
const headOf = (s: Speaker): string => (s.age === 'child' ? childNoun(s) : s.gender);
const personOf = (s: Speaker): string => {
  if (s.age === 'child') return `a ${childNoun(s)}`;
  return { young: `a young ${s.gender}`, adult: `a ${s.gender}`, elderly: `an old ${s.gender}` }[s.age];
};
/** Speakers in the order in which they are heard. */
const voices = (scene: Scene): number[] => [...new Set(scene.speech.map((t) => t.speaker))];
function speakerCalled(scene: Scene, name: string): number {
  const order = voices(scene);
  if (/first/.test(name)) return order[0]!;
  if (/second/.test(name)) return order[1]!;
  if (name === 'the speaker') return order[0]!;
  const fitting = order.filter((i) => headOf(scene.speakers[i]!) === name.replace('the ', ''));
  if (fitting.length !== 1) throw new Error(`"${name}" could be ${fitting.length} people`);
  return fitting[0]!;
}
const says = (scene: Scene, name: string) => scene.speech.filter((t) => t.speaker === speakerCalled(scene, name));
const sayer = (scene: Scene, sentence: string): Speaker =>
  scene.speakers[scene.speech.find((t) => t.sentence === sentence)!.speaker]!;
const atTime = (start: number): Truth => {
  const time = half(start);
  return is(time === 0 ? 'right at the start' : `at about ${time} ${time === 1 ? 'second' : 'seconds'}`);
};
const article = (word: string): string => (/^[AEIO]/.test(word) ? 'an' : 'a');
const NUMBERS = ['none', 'one', 'two', 'three'];
const TIMES = ['never', 'once', 'twice', 'three times', 'four times'];
const PLACES = {
  dry: 'a dry place without echo',
  room: 'a room with a little echo',
  hall: 'a large hall with a long echo',
};

const KIND_RULES: Rule[] = [
  [
    /^(?:(?:Is|Are) there any|Can you hear|Does the clip have|Is|Are) (speech|music|sound effects)(?: heard in this clip)?\?$/,
    (scene, [, kind]) => {
      const there = kindsOf(scene).includes(kind!);
      return yesNo(there, `there ${areIs(kind!)} ${there ? '' : 'no '}${kind}`);
    },
  ],
  [
    /kinds of sound|does this clip contain|clip made of|describes the clip/,
    (scene) => {
      const list = kindsOf(scene);
      if (list.length === 0) return is('silence');
      return is(list.length === 1 ? `${list[0]} only` : `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`);
    },
  ],
  [
    /speech, music (?:or|and) sound effects/,
    (scene) => {
      const missing = ALL_KINDS.filter((kind) => !kindsOf(scene).includes(kind));
      return is(`there ${areIs(missing[0]!)} no ${missing.join(' or ')}`);
    },
  ],
];

const SOUND_RULES: Rule[] = [
  [/of these is not|sound is missing\?$|can you not hear/, (scene) => (choice) => !hears(scene, choice)],
  [
    /^(?:Which of these sounds is heard|Which of these can you hear|Which sound is in the clip|What is heard in this clip)\?$/,
    (scene) => (choice) => hears(scene, choice),
  ],
  [
    /^(?:Which sound effect is heard\?|What is the sound effect\?|Name the sound effect\.)$/,
    (scene) => (answer) => scene.ambience === null && scene.events.every((e) => e.label === labelOf(answer)),
  ],
  [
    /(?:heard|comes) at about ([\d.]+) seconds?\?$/,
    (scene, [, time]) => {
      const there = scene.events.filter((e) => Math.abs(half(e.start) - Number(time)) <= 0.5);
      return (answer) => there.length === 1 && there[0]!.label === labelOf(answer);
    },
  ],
  [/background sound|all the time/, (scene) => (choice) => scene.ambience?.label === labelOf(choice)],
  [
    /^(?:When|At what time) (?:is|are) (the .+?)(?<! first) heard\?$|^At which time can you hear (the .+)\?$/,
    (scene, [, a, b]) => {
      const same = scene.events.filter((e) => e.label === labelOf((a ?? b)!));
      return (answer) => same.length === 1 && atTime(same[0]!.start)(answer);
    },
  ],
  [
    /^How (?:many times|often) (?:is|are) (the .+) heard\?$|^How many times can you hear (the .+)\?$/,
    (scene, [, a, b]) => is(TIMES[scene.events.filter((e) => e.label === labelOf((a ?? b)!)).length]!),
  ],
  [
    /^(?:Is|Are) (the .+) first heard before or after the first words\?$|^What comes first, (the .+) or the first words\?$/,
    (scene, [, a, b]) => {
      const the = (a ?? b)!;
      const before = firstOf(scene, the)!.start < scene.speech[0]!.start;
      return is(`${areIs(the) === 'are' ? 'they are' : 'it is'} heard ${before ? 'before' : 'after'} the first words`);
    },
  ],
  [
    /first, (the .+) or (the .+)\?$|earlier, (the .+) or (the .+)\?$/,
    (scene, [, a, b, c, d]) => {
      const [x, y] = [(a ?? c)!, (b ?? d)!];
      return is(firstOf(scene, x)!.start < firstOf(scene, y)!.start ? x : y);
    },
  ],
  [
    /sounds is heard first|sound comes first|first sound effect/,
    (scene) => (choice) => scene.events[0]!.label === labelOf(choice),
  ],
  [/recorded\?$|kind of place does|place sound like/, (scene) => is(PLACES[scene.room.kind])],
  [
    /^(?:Is|Are) (the .+) (?:close by or far away|far away or close by)\?$|^How near (?:is|are) (the .+)\?$/,
    (scene, [, a, b]) => is({ far: 'far away', close: 'close by', middle: '' }[firstOf(scene, (a ?? b)!)!.distance]),
  ],
];

const SPEECH_RULES: Rule[] = [
  [
    /^(?:Who speaks in this clip|Who is speaking|Whose voice is heard|Who says something|What kind of voice is heard)\?$/,
    (scene) => (voices(scene).length === 1 ? is(personOf(scene.speakers[voices(scene)[0]!]!)) : () => false),
  ],
  [
    /^(?:Who says|Who speaks the words|Whose words are these:) "(.+)"$/,
    (scene, [, sentence]) => is(personOf(sayer(scene, sentence!))),
  ],
  [/^(?:Who speaks|Whose voice is heard) first\?$/, (scene) => is(personOf(scene.speakers[scene.speech[0]!.speaker]!))],
  [
    /^(?:Which accent does|What is the accent of|With which accent does) (the .+?)(?: have| speak)?\?$/,
    (scene, [, name]) => {
      const { accent } = scene.speakers[speakerCalled(scene, name!)]!;
      return is(`${article(accent)} ${accent} accent`);
    },
  ],
  [
    /^(?:How does|What is the mood of|In which mood does|What is the mood in the voice of) (the (?!music).+?)(?: sound| speak)?\?$/,
    (scene, [, name]) => {
      const { mood } = scene.speakers[speakerCalled(scene, name!)]!;
      return (answer) => [mood, `${name} sounds ${mood}`].includes(answer);
    },
  ],
  [
    /^(?:How fast does|At what pace does) (the .+) speak\?$/,
    (scene, [, name]) =>
      is(
        { slow: 'slowly', normal: 'at a normal pace', fast: 'quickly' }[
          scene.speakers[speakerCalled(scene, name!)]!.pace
        ],
      ),
  ],
  [
    /^(?:What does|Which words does) (the .+) say( first| last)?\?$/,
    (scene, [, name, which]) => is(says(scene, name!).at(which === ' last' ? -1 : 0)!.sentence),
  ],
  [
    /^What are the( first| last)? words of (the .+)\?$/,
    (scene, [, which, name]) => is(says(scene, name!).at(which === ' last' ? -1 : 0)!.sentence),
  ],
  [
    /^(?:Write down the spoken words\.|What is said in this clip\?|Which words are spoken\?)$/,
    (scene) => (scene.speech.length === 1 ? is(scene.speech[0]!.sentence) : () => false),
  ],
  [
    /^How many (?:people speak|speakers are there|voices are heard|different people are speaking)\?$/,
    (scene) => is(NUMBERS[voices(scene).length]!),
  ],
  [
    /^When does .+ begin to speak\?$|^At what time does .+ start to speak\?$|^When is .+ first heard\?$/,
    (scene) => atTime(scene.speech[0]!.start),
  ],
];

const MUSIC_RULES: Rule[] = [
  [
    /^(?:Which instruments are played\?|What is the music played on\?|What plays the music\?|Name the instruments.+)$/,
    (scene) => is(scene.music!.instruments.map((id) => INSTRUMENT_SURFACES[id]).join(' and ')),
  ],
  [
    /of these instruments|instrument is in the music/,
    (scene) => (choice) => scene.music!.instruments.includes(labelOf(choice)),
  ],
  [/How fast is the music|tempo/, (scene) => is(scene.music!.tempo)],
  [/major or a minor key|kind of key/, (scene) => is(`a ${scene.music!.mode} key`)],
  [/mood (?:of|does) the music|does the music feel/, (scene) => is(scene.music!.mood)],
  [/drums/, (scene) => yesNo(scene.music!.drums, scene.music!.drums ? 'there are drums' : 'there are no drums')],
  [/foreground/, (scene) => is(`in the ${scene.music!.role}`)],
];

const HEARD =
  /^(?:Is|Are) there (.+) in this clip\?$|^(?:Is|Are) (.+) heard in this clip\?$|^Can you hear (.+)\?$|^Does the clip have (.+)\?$/;

const RULES: readonly Rule[] = [
  ...KIND_RULES,
  ...SPEECH_RULES,
  ...MUSIC_RULES,
  ...SOUND_RULES,
  [
    HEARD,
    (scene, match) => {
      const noun = match.slice(1).find(Boolean)!;
      const there = hears(scene, noun);
      return yesNo(there, `${noun} ${areIs(noun)} ${there ? '' : 'not '}heard`);
    },
  ],
];

/** What is true of the scene as an answer to the question. @throws when no rule knows the question */
export function truthOf(scene: Scene, stem: string): Truth {
  for (const [pattern, rule] of RULES) {
    const match = pattern.exec(stem);
    if (!match) continue;
    const truth = rule(scene, [...match]);
    return (answer) => truth(plain(answer));
  }
  throw new Error(`no rule for the question "${stem}"`);
}
