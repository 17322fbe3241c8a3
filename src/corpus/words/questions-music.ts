/** Questions about music. */

import type { MusicPart } from '../scene.js';
import { INSTRUMENTS } from '../sources/instruments.js';
import { listing } from './forms.js';
import { type Maker, open, pickOne } from './question-kit.js';
import { surfaceLabel } from './surfaces.js';

const MOODS: readonly MusicPart['mood'][] = ['cheerful', 'sad', 'calm', 'tense', 'playful', 'solemn'];
/** Moods that a listener could take for one another are not offered as wrong choices. */
const NEAR: Readonly<Record<MusicPart['mood'], readonly MusicPart['mood'][]>> = {
  cheerful: ['playful'],
  playful: ['cheerful'],
  sad: ['solemn'],
  solemn: ['sad'],
  calm: [],
  tense: [],
};
const TEMPOS = { slow: 'slow', medium: 'medium', fast: 'fast' } as const;

const instruments: Maker = (ask) => {
  const { facts, random } = ask;
  if (!facts.music) return [];
  const all = listing(facts.music.instruments.map(surfaceLabel));
  const steps = { asked: 'about the instruments', said: `the music is played on ${all}`, so: `it is ${all}` };
  const one = surfaceLabel(random.pick(facts.music.instruments));
  const wrong = INSTRUMENTS.map((i) => i.id).filter((id) => !facts.music?.instruments.includes(id));
  return [
    open(ask, 'music', random.pick(['Which instruments are played?', 'What is the music played on?']), all, steps),
    ...pickOne(ask, 'music', 'Which of these instruments is heard?', one, wrong.map(surfaceLabel), {
      ...steps,
      so: `${one} is heard`,
    }),
  ];
};

const tempo: Maker = (ask) => {
  const { facts, random } = ask;
  if (!facts.music) return [];
  const right = TEMPOS[facts.music.tempo];
  const steps = { asked: 'about the tempo', said: `the music has a ${right} tempo`, so: `the tempo is ${right}` };
  const text = random.pick(['How fast is the music?', 'What is the tempo of the music?']);
  return [
    ...pickOne(ask, 'music', text, right, ['slow', 'medium', 'fast', 'there is no music'], steps),
    open(ask, 'music', text, right, steps),
  ];
};

const mode: Maker = (ask) => {
  const { facts } = ask;
  if (!facts.music?.mode) return [];
  const right = `a ${facts.music.mode} key`;
  const steps = { asked: 'about the key', said: `the music is in ${right}`, so: `it is ${right}` };
  return [open(ask, 'music', 'Is the music in a major or a minor key?', right, steps)];
};

const mood: Maker = (ask) => {
  const { facts, random } = ask;
  const right = facts.music?.mood;
  if (!right) return [];
  const steps = { asked: 'about the mood of the music', said: `the music is ${right}`, so: `the mood is ${right}` };
  const text = random.pick(['What is the mood of the music?', 'How does the music feel?']);
  const wrong = MOODS.filter((other) => !NEAR[right].includes(other));
  return [...pickOne(ask, 'mood', text, right, wrong, steps), open(ask, 'mood', text, right, steps)];
};

const parts: Maker = (ask) => {
  const { facts } = ask;
  const out = [];
  if (facts.music && facts.music.drums !== null) {
    const { drums } = facts.music;
    const claim = drums ? 'there are drums' : 'there are no drums';
    const steps = { asked: 'about drums', said: claim, so: `the answer is ${drums ? 'yes' : 'no'}` };
    out.push(open(ask, 'music', 'Are there drums in the music?', `${drums ? 'yes' : 'no'}, ${claim}.`, steps));
  }
  if (facts.music?.role) {
    const right = `in the ${facts.music.role}`;
    const steps = { asked: 'where the music is', said: `the music is ${right}`, so: `it is ${right}` };
    out.push(open(ask, 'music', 'Is the music in the foreground or in the background?', right, steps));
  }
  return out;
};

export const MUSIC_MAKERS: readonly Maker[] = [instruments, tempo, mode, mood, parts];
