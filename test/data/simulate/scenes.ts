/** Four clips and what a good model says about each at every step. */
import type { Annotation } from '../../../src/data/simulate/annotation.js';
import type { Source } from '../../../src/data/simulate/types.js';

export interface Scene {
  source: Source;
  persona: string;
  realistic: string;
  imaginary: string;
  thinking: string;
  annotation: Annotation;
  simple: { question: string; answer: string };
  compositional: { question: string; answer: string };
  items: Record<string, string>;
  voices?: {
    singing: boolean;
    speakers: { speaker: string; traits: string }[];
    turns: { speaker: string; words: string }[];
  };
}

const audio = (name: string) => ({ uri: `/sounds/${name}.wav` });

/** The four parts about something, in words that no caption here has. */
function plan(about: string): string {
  return [
    `1. User Intent: Somebody wishes for ${about} and means to use it soon.`,
    '2. Inferred Details: Whatever was left open follows from common sense, and stays modest.',
    '3. Audio Quality: Clean enough to be used as it comes, with the space around it left alone.',
    '4. Generation Plan: Start at once, keep to one idea, and let it end by itself.',
  ].join('\n\n');
}

/** An annotation in which nothing is there; scenes fill in what is. */
export function emptyAnnotation(): Annotation {
  return {
    timeline: { turns: [], order: null, emotions: [], voiced: [] },
    conversation: { backchannel: false, interruption: false, overlap: false, synthetic_voice: false },
    words: { transcription: null, phonetic: null, rhythm: null, intonation: null, stresses: [] },
    speakers: [],
    counts: { speakers: 0, backchannel_speakers: 0, shortest_utterance: null },
    acoustics: { noise: null, reverberation: null, quality: 'good', distortion: null, place: null, volume: 'moderate' },
    events: { list: [], spatial: null, counts: [], synthetic_source: false, artifacts: null },
    causes: [],
    ambiguity: { gender: null, place: null, lyrics: null, elements: [] },
    absent: { instruments: [], emotions: [], events: ['thunder'], untrue: [] },
    signal: { foreground: 'high', background: null, distorted: false, distortion_kind: null },
    acts: [],
    entities: { named: [], actions: [] },
    music: null,
    rates: { backchannel: null, interruption: null, overlap_percent: null },
  };
}

export function speaker(name: string, gender: string): Annotation['speakers'][number] {
  return {
    speaker: name,
    age: 'adult',
    gender,
    timbre: 'clear',
    emotion: 'calm',
    disfluency: null,
    articulation: 'precise',
    dialect: null,
    accent: null,
    code_switching: null,
    pace: 'normal',
    disease: null,
    non_verbal: null,
  };
}

const items = (what: string): Record<string, string> => ({
  user_intent: `Whoever asks wants to know one thing about the clip, namely ${what}, and expects an answer that can be checked by listening again.`,
  evidence: `The description tells of ${what} within the first seconds, says how it begins and how it ends, and names nothing else that could be meant by the question.`,
  inferred_details: `It is an assumption that ${what} goes on as it began, since nothing in the description says that it changes; this is the simplest reading of it.`,
  answering_plan:
    'State the fact first, then name the evidence for it in a second sentence, and leave out whatever does not bear on the question.',
  self_check:
    'Every claim agrees with the description, nothing unheard is claimed, and the single assumption is marked as one in the item above.',
});

const train = 'The last train leaves at nine, so please hurry up.';
const TRAIN: Scene = {
  source: {
    id: 'train',
    dataset: 'clips',
    audio: audio('train'),
    seconds: 4,
    kind: 'speech',
    transcript: 'the last train leaves at nine so please hurry up',
    caption: `The clip opens with a worried young woman close to the microphone, who says, "${train}" Her pace is quick and her breath short. Behind her a large hall hums softly. In summary, a traveller urges somebody on.`,
  },
  persona: 'a director of radio plays casting voices in the mind',
  realistic: `I need a worried young woman in a big hall who says quickly: '${train}' She should be near us, and short of breath.`,
  imaginary: `Two friends are late, the station clock is merciless, and she turns around once more: '${train}' That is the moment I need.`,
  thinking: plan('a hurried traveller'),
  annotation: {
    ...emptyAnnotation(),
    timeline: {
      turns: [{ speaker: 'S1', start: 0.2, end: 3.1 }],
      order: 'she speaks, the hall hums',
      emotions: [{ emotion: 'worried', start: 0.2, end: 3.1 }],
      voiced: [{ start: 0.2, end: 3.1 }],
    },
    words: {
      transcription: train,
      phonetic: 'DH AH0   L AE1 S T   T R EY1 N   L IY1 V Z   AE1 T   N AY1 N   ,',
      rhythm: 'Hurried',
      intonation: 'falling',
      stresses: [{ word: 'hurry', kind: 'primary stress', time: 2.6 }],
    },
    speakers: [speaker('S1', 'female')],
    counts: { speakers: 1, backchannel_speakers: 0, shortest_utterance: 2.9 },
    acts: [{ speaker: 'S1', form: 'request', start: 0.2, end: 3.1, intent: 'urge somebody on', sarcasm: null }],
  },
  simple: {
    question: 'At what hour does the last train leave, according to the woman who is speaking here?',
    answer: 'at nine',
  },
  compositional: {
    question:
      'I am casting a play: judging by how fast the woman talks, by her short breath and by the hall around her, what has probably happened just before she begins, and would you call her manner angry or rather afraid?',
    answer: 'she hurried to the station and is afraid of being late',
  },
  items: items('a woman who urges somebody on'),
  voices: {
    singing: false,
    speakers: [{ speaker: 'S1', traits: 'worried young woman, quick' }],
    turns: [{ speaker: 'S1', words: train }],
  },
};

const ask = 'Did you feed the cat this morning?';
const answer = 'Twice, and it still looks at me like that.';
const CAT: Scene = {
  source: {
    id: 'clips_cat',
    dataset: 'clips',
    audio: { uri: '/sounds/long.wav', start: 3, end: 9 },
    seconds: 6,
    kind: 'speech',
    caption: `An older man asks in a flat voice, "${ask}" After a pause a girl answers, amused, "${answer}" A clock ticks throughout. There is no music. In summary, a short exchange in a kitchen.`,
  },
  persona: 'a writer who wants to hear a scene before writing it down',
  realistic: `Please make a short exchange with a ticking clock: an older man asks '${ask}' and a girl, amused, answers '${answer}' after a pause.`,
  imaginary: `Breakfast, nobody fully awake, he looks up from the paper: '${ask}' She grins and lifts her shoulders: '${answer}' Give me that kitchen.`,
  thinking: plan('two people at breakfast'),
  annotation: {
    ...emptyAnnotation(),
    timeline: {
      turns: [
        { speaker: 'S1', start: 0.5, end: 2 },
        { speaker: 'S2', start: 3, end: 5.5 },
      ],
      order: null,
      emotions: [],
      voiced: [],
    },
    words: { transcription: `${ask} ${answer}`, phonetic: null, rhythm: null, intonation: null, stresses: [] },
    speakers: [speaker('S1', 'male'), speaker('S2', 'female')],
    counts: { speakers: 2, backchannel_speakers: 0, shortest_utterance: 1.5 },
    events: {
      ...emptyAnnotation().events,
      list: [{ name: 'clock', start: 0, end: 6, description: 'a steady tick' }],
      counts: [{ name: 'ticks', count: 6 }],
    },
  },
  simple: {
    question: 'How many people talk in this kitchen, and which of them sounds older than the other?',
    answer: 'two; the man',
  },
  compositional: {
    question:
      'I write scenes for the stage and wonder about these two: judging by the pause, by the flat voice of the man and by the amusement of the girl, are they at odds with one another, or is it a joke they share?',
    answer: 'it is a joke they share',
  },
  items: items('a man and a girl in a kitchen'),
  voices: {
    singing: false,
    speakers: [
      { speaker: 'S1', traits: 'older man, flat' },
      { speaker: 'S2', traits: 'girl, amused' },
    ],
    turns: [
      { speaker: 'S1', words: ask },
      { speaker: 'S2', words: answer },
    ],
  },
};

const line = 'Carry me over the river tonight';
const RIVER: Scene = {
  source: {
    id: 'river',
    dataset: 'songs',
    audio: audio('river'),
    seconds: 10,
    kind: 'music',
    caption: `A slow ballad on piano. A husky baritone sings, "${line}," over soft chords in a small room. The tempo is slow and the mood wistful. In summary, an intimate demo.`,
  },
  persona: 'a songwriter sketching a demo at the kitchen table',
  realistic: `Make a slow piano ballad with a husky, deep man's voice that sings '${line}' as if it were recorded at home.`,
  imaginary: `It is past midnight, the bridge is gone, and all that he has left is one plea: '${line}' I want to feel how he means it.`,
  thinking: plan('an intimate ballad'),
  annotation: {
    ...emptyAnnotation(),
    speakers: [speaker('S1', 'male')],
    counts: { speakers: 1, backchannel_speakers: 0, shortest_utterance: null },
    music: {
      texture: 'sparse',
      genre: 'ballad',
      tempo: 'slow',
      mood: 'wistful',
      lyrics: line,
      harmony: null,
      melody: null,
      structure: [{ name: 'verse', start: 0, end: 10 }],
      timbre: 'warm',
      bpm: 66,
      signature: '4/4',
      feel: 'straight',
      beat: 'soft',
      instruments: [{ name: 'piano', start: 0, end: 10, role: 'accompaniment' }],
      key: 'C major',
      chords: [{ chord: 'C', start: 0, end: 10 }],
    },
  },
  simple: {
    question: 'Which instrument plays under the singing voice in this slow and rather wistful ballad?',
    answer: 'a piano',
  },
  compositional: {
    question:
      'I am arranging this for a choir and need to know: taking together the husky voice, the soft chords and the small room, what feeling does the singer go for, and what in the playing supports it most?',
    answer: 'longing, supported by the soft chords',
  },
  items: items('a man who sings to a piano'),
  voices: {
    singing: true,
    speakers: [{ speaker: 'S1', traits: 'husky baritone, wistful' }],
    turns: [{ speaker: 'S1', words: line }],
  },
};

const RAIN: Scene = {
  source: {
    id: 'rain',
    dataset: 'field',
    audio: audio('rain'),
    seconds: 8,
    kind: 'sound',
    caption:
      'Steady rain falls on a tin roof, close and bright. After four seconds a door slams in the distance. Nobody speaks and no music plays. In summary, a rainy afternoon under a roof.',
  },
  persona: 'a maker of nature documentaries back from the field',
  realistic:
    'I would like steady rain on a metal roof, quite close, and then somewhere far away a door that slams shut once.',
  imaginary:
    'An afternoon in the old shed when the weather gave us no choice, and my brother stormed out of the house across the yard.',
  thinking: plan('bad weather over a shed'),
  annotation: {
    ...emptyAnnotation(),
    events: {
      ...emptyAnnotation().events,
      list: [
        { name: 'rain', start: 0, end: 8, description: 'steady, on tin' },
        { name: 'door slam', start: 4, end: 4.4, description: null },
      ],
      counts: [{ name: 'slams', count: 1 }],
    },
  },
  simple: {
    question: 'What happens in the distance after the rain has been falling for a while?',
    answer: 'a door slams',
  },
  compositional: {
    question:
      'I restore old houses and listen for such things: from the brightness of the drops, the closeness of the roof and the door that slams far away, what is the roof made of, and how large is the yard around it?',
    answer: 'tin; the yard is wide',
  },
  items: items('rain on a roof and one door'),
};

export const SCENES: readonly Scene[] = [TRAIN, CAT, RIVER, RAIN];

/** The scene that a prompt speaks of, found by its caption or its words. */
export function sceneIn(prompt: string): Scene {
  const found = SCENES.find(
    ({ source, voices }) =>
      prompt.includes(source.caption.slice(0, 60)) || voices?.turns.some(({ words }) => prompt.includes(words)),
  );
  if (!found) throw new Error(`no scene in: ${prompt.slice(0, 200)}`);
  return found;
}
