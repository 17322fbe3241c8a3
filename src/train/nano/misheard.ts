/** Scenes as a model of middling ears would take them: right in most things, wrong in some. */
import { EVENTS, INSTRUMENTS, LEXICON, type Scene } from '../../corpus/index.js';
import type { Random } from '../../random.js';
import { editDistance } from './edit-distance.js';

/** How often each thing is taken for another, about as often as nano did when this was written. */
const TAKEN = { event: 0.2, time: 0.2, instrument: 0.2, tempo: 0.2, mode: 0.25, mood: 0.2, voice: 0.07, word: 0.3 };
/** A time that is taken wrongly is so many seconds off, at most. */
const OFF = 2;
/** Of so many words the most similar one is taken for another. */
const SIMILAR_OF = 30;

const MUSIC_MOODS = ['cheerful', 'sad', 'calm', 'tense', 'playful', 'solemn'] as const;

export function mishear(scene: Scene, random: Random): Scene {
  const taken = (what: keyof typeof TAKEN) => random.chance(TAKEN[what]);
  const { seconds, music } = scene;
  return {
    ...scene,
    speakers: scene.speakers.map((speaker) =>
      taken('voice')
        ? {
            ...speaker,
            gender: random.pick(['man', 'woman']),
            age: random.pick(['child', 'young', 'adult', 'elderly']),
          }
        : speaker,
    ),
    speech: scene.speech.map((turn) => {
      const sentence = turn.sentence
        .split(' ')
        .map((word) => (taken('word') ? similar(word, random) : word))
        .join(' ');
      return { ...turn, sentence };
    }),
    music: music && {
      ...music,
      instruments: music.instruments.map((id) => (taken('instrument') ? random.pick(INSTRUMENTS).id : id)),
      tempo: taken('tempo') ? random.pick(['slow', 'medium', 'fast']) : music.tempo,
      mode: taken('mode') ? random.pick(['major', 'minor']) : music.mode,
      mood: taken('mood') ? random.pick(MUSIC_MOODS) : music.mood,
    },
    events: scene.events
      .map((event) => {
        const label = taken('event') ? random.pick(EVENTS).label : event.label;
        if (!taken('time')) return { ...event, label };
        const start = Math.min(seconds, Math.max(0, event.start + random.range(-OFF, OFF)));
        return { ...event, label, start, end: Math.min(seconds, start + event.end - event.start) };
      })
      .sort((a, b) => a.start - b.start),
  };
}

/** Another word of the lexicon that is spelled much the same, with the capital and the punctuation of this one. */
function similar(written: string, random: Random): string {
  const [, word, mark] = /^(.*?)([.?!,]*)$/.exec(written)!;
  const letters = [...word.toLowerCase()];
  const others = Array.from({ length: SIMILAR_OF }, () => random.pick(LEXICON)).filter((w) => w !== word.toLowerCase());
  const distance = (other: string) => editDistance([...other], letters);
  const best = others.reduce((a, b) => (distance(b) < distance(a) ? b : a));
  const capital = word[0] !== word[0]?.toLowerCase();
  return (capital ? best[0].toUpperCase() + best.slice(1) : best) + mark;
}
