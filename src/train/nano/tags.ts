/** What the audio encoder is taught to hear before any language model sees it: for every token (80 ms) a row of yes/no tags. */
import type { Scene } from '../../corpus/index.js';
import { AMBIENCES, EVENTS, INSTRUMENTS, VOICES } from '../../corpus/index.js';

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

/**
 * How much each tag counts. Events are short, so that all of them together would count less than the key of the music, which
 * is far harder to hear.
 */
export const TAG_WEIGHTS = Float32Array.from(TAGS, (tag) => {
  if (tag.startsWith('event ')) return 4;
  return /^(mood|pace|mode|music) /.test(tag) ? 0.5 : 1;
});

/** Column of each tag. */
export const TAG_COLUMNS: ReadonlyMap<string, number> = new Map(TAGS.map((tag, i) => [tag, i]));
/** Seconds of one encoder token: eight mel frames of 10 ms. */
const TOKEN_SECONDS = 0.08;

/** The token that hears a time, in a clip that is one chunk. */
export function tokenAt(seconds: number): number {
  // Times have two decimals, and 0.24 / 0.08 is a little less than 3.
  return Math.floor(seconds / TOKEN_SECONDS + 1e-6);
}

/** Sets 1 in `out` [tokens, TAGS.length] wherever a tag holds. `start` is the clip's first token. */
export function tagScene(scene: Scene, tokens: number, out: Float32Array, start: number): void {
  const mark = (tag: string, from: number, to: number) => {
    const column = TAG_COLUMNS.get(tag);
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
