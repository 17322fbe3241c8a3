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

const ALL_INSTRUMENTS = [
  'Which instruments are played?',
  'What is the music played on?',
  'What plays the music?',
  'Name the instruments in the music.',
];
const ONE_INSTRUMENT = [
  'Which of these instruments is heard?',
  'Which of these instruments plays the music?',
  'Which instrument is in the music?',
];

const instruments: Maker = (ask) => {
  const { facts, random } = ask;
  if (!facts.music) return [];
  const all = listing(facts.music.instruments.map(surfaceLabel));
  const steps = {
    asked: ['about the instruments', 'which instruments are played', 'what the music is played on'],
    said: [`the music is played on ${all}`, `there is music on ${all}`],
    so: [`it is ${all}`, `the answer is ${all}`],
  };
  const one = surfaceLabel(random.pick(facts.music.instruments));
  const wrong = INSTRUMENTS.map((i) => i.id).filter((id) => !facts.music?.instruments.includes(id));
  return [
    open(ask, 'music', random.pick(ALL_INSTRUMENTS), all, steps),
    ...pickOne(ask, 'music', random.pick(ONE_INSTRUMENT), one, wrong.map(surfaceLabel)),
  ];
};

const tempo: Maker = (ask) => {
  const { facts, random } = ask;
  if (!facts.music) return [];
  const right = TEMPOS[facts.music.tempo];
  const steps = {
    asked: ['about the tempo', 'how fast the music is'],
    said: [`the music has a ${right} tempo`, `the tempo of the music is ${right}`],
    so: [`the tempo is ${right}`, `the answer is ${right}`],
  };
  const text = random.pick([
    'How fast is the music?',
    'What is the tempo of the music?',
    'Which tempo does the music have?',
  ]);
  return [
    ...pickOne(ask, 'music', text, right, ['slow', 'medium', 'fast', 'there is no music']),
    open(ask, 'music', text, right, steps),
  ];
};

const mode: Maker = (ask) => {
  const { facts, random } = ask;
  if (!facts.music?.mode) return [];
  const right = `a ${facts.music.mode} key`;
  const steps = {
    asked: ['about the key', 'whether the key is major or minor'],
    said: [`the music is in ${right}`, `the key is ${facts.music.mode}`],
    so: [`it is ${right}`, `the answer is ${right}`],
  };
  const text = random.pick(['Is the music in a major or a minor key?', 'What kind of key is the music in?']);
  return [open(ask, 'music', text, right, steps)];
};

const mood: Maker = (ask) => {
  const { facts, random } = ask;
  const right = facts.music?.mood;
  if (!right) return [];
  const steps = {
    asked: ['about the mood of the music', 'how the music feels'],
    said: [`the music is ${right}`, `there is ${right} music`],
    so: [`the mood is ${right}`, `it feels ${right}`, `the answer is ${right}`],
  };
  const text = random.pick([
    'What is the mood of the music?',
    'How does the music feel?',
    'Which mood does the music have?',
    'Which word fits the mood of the music?',
  ]);
  const wrong = MOODS.filter((other) => !NEAR[right].includes(other));
  return [...pickOne(ask, 'mood', text, right, wrong), open(ask, 'mood', text, right, steps)];
};

const parts: Maker = (ask) => {
  const { facts, random } = ask;
  const out = [];
  if (facts.music && facts.music.drums !== null) {
    const { drums } = facts.music;
    const claim = drums ? 'there are drums' : 'there are no drums';
    const steps = {
      asked: ['about drums', 'whether there are drums'],
      said: claim,
      so: `the answer is ${drums ? 'yes' : 'no'}`,
    };
    const text = random.pick(['Are there drums in the music?', 'Do drums play along?', 'Can you hear drums?']);
    out.push(open(ask, 'music', text, `${drums ? 'yes' : 'no'}, ${claim}.`, steps));
  }
  if (facts.music?.role) {
    const right = `in the ${facts.music.role}`;
    const steps = {
      asked: 'where the music is',
      said: [`the music is ${right}`, `the music plays ${right}`],
      so: [`it is ${right}`, `the answer is ${right}`],
    };
    const text = random.pick([
      'Is the music in the foreground or in the background?',
      'Does the music play in the background or in the foreground?',
    ]);
    out.push(open(ask, 'music', text, right, steps));
  }
  return out;
};

export const MUSIC_MAKERS: readonly Maker[] = [instruments, tempo, mode, mood, parts];
