/**
 * What the audio encoder is taught to hear before any language model sees it: for every token (80 ms) a row of yes/no
 * tags, and for every clip its words.
 */
import type { Scene } from '../../corpus/index.js';
import { AMBIENCES, EVENTS, INSTRUMENTS, LEXICON, VOICES } from '../../corpus/index.js';
import { NO_TARGET } from './aligned.js';

const MOODS = ['neutral', 'happy', 'sad', 'angry', 'calm', 'excited'] as const;
const PACES = ['slow', 'normal', 'fast'] as const;
const MUSIC_MOODS = ['cheerful', 'sad', 'calm', 'tense', 'playful', 'solemn'] as const;

/** Names of the tags in the order of the tag head's outputs. */
export const TAGS: readonly string[] = [
  'speech',
  'music',
  'sound',
  'two speakers',
  ...VOICES.map((v) => `voice ${v.id}`),
  'woman',
  'man',
  'child',
  'elderly',
  'young',
  ...[...new Set(VOICES.map((v) => v.accent))].map((a) => `accent ${a}`),
  ...MOODS.map((m) => `mood ${m}`),
  ...PACES.map((p) => `pace ${p}`),
  ...INSTRUMENTS.map((i) => `instrument ${i.id}`),
  'drums',
  'tempo slow',
  'tempo medium',
  'tempo fast',
  'mode major',
  'mode minor',
  ...MUSIC_MOODS.map((m) => `music ${m}`),
  'background music',
  ...EVENTS.map((e) => `event ${e.label}`),
  ...AMBIENCES.map((a) => `ambience ${a.label}`),
  'room',
  'hall',
  'narrow band',
  'slight noise',
  'strong noise',
];

const INDEX = new Map(TAGS.map((tag, i) => [tag, i]));
/** Seconds of one encoder token: eight mel frames of 10 ms. A chunk of 100 frames gives 13, the last one half empty. */
const TOKEN_SECONDS = 0.08;
const CHUNK_SECONDS = 1;
const CHUNK_TOKENS = 13;

/** The token that hears a time, in a clip laid out in chunks of one second. */
export function tokenAt(seconds: number): number {
  const chunk = Math.floor(seconds / CHUNK_SECONDS);
  return (
    chunk * CHUNK_TOKENS + Math.min(CHUNK_TOKENS - 1, Math.floor((seconds - chunk * CHUNK_SECONDS) / TOKEN_SECONDS))
  );
}

/** Sets 1 in `out` [tokens, TAGS.length] wherever a tag holds. `start` is the clip's first token. */
export function tagScene(scene: Scene, tokens: number, out: Float32Array, start: number): void {
  const mark = (tag: string, from: number, to: number) => {
    const column = INDEX.get(tag);
    if (column === undefined) throw new Error(`no tag "${tag}"`);
    const last = Math.min(tokens - 1, tokenAt(to));
    for (let t = tokenAt(from); t <= last; t++) out[(start + t) * TAGS.length + column] = 1;
  };
  const whole = (tag: string) => mark(tag, 0, scene.seconds);
  for (const turn of scene.speech) {
    const speaker = scene.speakers[turn.speaker];
    const about = [
      'speech',
      `voice ${speaker.voice}`,
      speaker.gender,
      `accent ${speaker.accent}`,
      `mood ${speaker.mood}`,
    ];
    about.push(`pace ${speaker.pace}`);
    if (speaker.age !== 'adult') about.push(speaker.age);
    for (const tag of about) mark(tag, turn.start, turn.end);
  }
  if (scene.speakers.length > 1) whole('two speakers');
  const { music } = scene;
  if (music) {
    const about = [
      'music',
      ...music.instruments.map((i) => `instrument ${i}`),
      `tempo ${music.tempo}`,
      `mode ${music.mode}`,
    ];
    about.push(`music ${music.mood}`);
    if (music.drums) about.push('drums');
    if (music.role === 'background') about.push('background music');
    for (const tag of about) mark(tag, music.start, music.end);
  }
  for (const event of scene.events) {
    mark('sound', event.start, event.end);
    mark(`event ${event.label}`, event.start, event.end);
  }
  if (scene.ambience) {
    whole('sound');
    whole(`ambience ${scene.ambience.label}`);
  }
  if (scene.room.kind !== 'dry') whole(scene.room.kind);
  if (scene.quality.band === 'narrow') whole('narrow band');
  if (scene.quality.noise !== 'none') whole(`${scene.quality.noise} noise`);
}

const WORDS = new Map([...LEXICON].map((word, i) => [word, i + 1]));

/** Classes of the word head: a blank (0) and every word of the lexicon. */
export const WORD_CLASSES = WORDS.size + 1;

/** The scene's words in order, as classes of the word head. */
export function wordClasses(scene: Scene): number[] {
  return scene.speech.flatMap((turn) =>
    turn.words.split(' ').map((word) => {
      const found = WORDS.get(word);
      if (found === undefined) throw new Error(`"${word}" is not in the lexicon`);
      return found;
    }),
  );
}

/**
 * One word class a token, where a turn's words are taken to last as long as they have letters: each word on the middle of
 * its share, nothing between, the blank where nobody speaks. For clips of `tokens` tokens.
 */
export function alignWords(scene: Scene, tokens: number): Int32Array {
  const targets = new Int32Array(tokens);
  for (const { words, start, end } of scene.speech) {
    targets.fill(NO_TARGET, tokenAt(start), Math.min(tokens, tokenAt(end) + 1));
    const list = words.split(' ');
    const letters = list.reduce((n, word) => n + word.length + 1, 0);
    let at = start;
    for (const word of list) {
      const share = ((word.length + 1) / letters) * (end - start);
      const [from, to] = [tokenAt(at + 0.35 * share), tokenAt(at + 0.65 * share)];
      targets.fill(WORDS.get(word)!, from, Math.min(tokens, to + 1));
      at += share;
    }
  }
  return targets;
}

/** The word of a class. */
export function wordOf(kind: number): string {
  return [...LEXICON][kind - 1];
}
