/** Understanding, step 1: what a clip's caption says, as data: the fields that published captions of this kind carry. */
import type { AudioReference, Keyed, SoundKind } from '../types.js';
import { ask, structured } from './ask.js';
import type { Rule } from './rules.js';
import { flag, integer, list, maybe, number, object, type Read, text } from './shape.js';
import { foreignLetter, occurs, spokenIn, trimmed } from './text.js';
import type { Source, Step, Tools } from './types.js';

const seconds = number('seconds');
const span = { start: seconds, end: seconds };

/** All fields; null and empty lists stand for what is not there or not known. Times are seconds from the beginning. */
export const ANNOTATION = object({
  timeline: object({
    turns: list(object({ speaker: text('S1, S2, ...'), ...span })),
    order: maybe(text('the order of what happens')),
    emotions: list(object({ emotion: text(), ...span })),
    voiced: list(object(span)),
  }),
  conversation: object({ backchannel: flag(), interruption: flag(), overlap: flag(), synthetic_voice: flag() }),
  words: object({
    transcription: maybe(text('every spoken or sung word, exactly as the caption quotes it')),
    phonetic: maybe(text('ARPAbet, stress digits on vowels, blanks between sounds, three between words')),
    rhythm: maybe(text()),
    intonation: maybe(text()),
    stresses: list(object({ word: text(), kind: text('primary stress, sentence focus, ...'), time: maybe(seconds) })),
  }),
  speakers: list(
    object({
      speaker: text('S1, S2, ...'),
      age: maybe(text()),
      gender: maybe(text()),
      timbre: maybe(text()),
      emotion: maybe(text()),
      disfluency: maybe(text()),
      articulation: maybe(text()),
      dialect: maybe(text()),
      accent: maybe(text()),
      code_switching: maybe(text()),
      pace: maybe(text()),
      disease: maybe(text()),
      non_verbal: maybe(text()),
    }),
  ),
  counts: object({
    speakers: integer(0, 99),
    backchannel_speakers: integer(0, 99),
    shortest_utterance: maybe(seconds),
  }),
  acoustics: object({
    noise: maybe(text()),
    reverberation: maybe(text()),
    quality: maybe(text()),
    distortion: maybe(text()),
    place: maybe(text()),
    volume: maybe(text()),
  }),
  events: object({
    list: list(object({ name: text(), ...span, description: maybe(text()) })),
    spatial: maybe(text()),
    counts: list(object({ name: text(), count: integer(0, 9999) })),
    synthetic_source: flag(),
    artifacts: maybe(text('artifacts of the recording as against its content')),
  }),
  causes: list(object({ trigger: text(), effect: text(), kind: text(), description: maybe(text()) })),
  ambiguity: object({
    gender: maybe(text('how identifiable')),
    place: maybe(text('how locatable')),
    lyrics: maybe(text('how intelligible')),
    elements: list(object({ element: text(), candidates: list(text()) })),
  }),
  absent: object({ instruments: list(text()), emotions: list(text()), events: list(text()), untrue: list(text()) }),
  signal: object({
    foreground: maybe(text()),
    background: maybe(text()),
    distorted: flag(),
    distortion_kind: maybe(text()),
  }),
  acts: list(object({ speaker: text(), form: text(), ...span, intent: text(), sarcasm: maybe(text()) })),
  entities: object({
    named: list(text()),
    actions: list(object({ who: text(), action: text(), evidence: maybe(text()) })),
  }),
  music: maybe(
    object({
      texture: maybe(text()),
      genre: maybe(text()),
      tempo: maybe(text()),
      mood: maybe(text()),
      lyrics: maybe(text()),
      harmony: maybe(text()),
      melody: maybe(text()),
      structure: list(object({ name: text(), ...span })),
      timbre: maybe(text()),
      bpm: maybe(number()),
      signature: maybe(text()),
      feel: maybe(text()),
      beat: maybe(text('how strong')),
      instruments: list(object({ name: text(), ...span, role: maybe(text()) })),
      key: maybe(text()),
      chords: list(object({ chord: text(), ...span })),
    }),
  ),
  rates: object({ backchannel: maybe(text()), interruption: maybe(text()), overlap_percent: maybe(number()) }),
});

export type Annotation = Read<typeof ANNOTATION>;

/** The id is the clip's. */
export interface Annotated extends Keyed {
  dataset: string;
  audio: AudioReference;
  seconds: number;
  caption: string;
  domain?: SoundKind;
  annotation: Annotation;
}

export interface AnnotationCase {
  annotation: Annotation;
  caption: string;
  /** length of the clip */
  seconds: number;
}

/** How far a stated time may lie behind the end, as published ones do. Seconds. */
const SLACK = 1;

export const ANNOTATION_RULES: readonly Rule<AnnotationCase>[] = [
  {
    name: 'time_outside',
    broken({ annotation, seconds }) {
      const wrong = spansOf(annotation).find(({ start, end }) => start < 0 || end < start || end > seconds + SLACK);
      return wrong === undefined
        ? null
        : `The times ${wrong.start} to ${wrong.end} s do not lie in order within the clip's ${seconds} s.`;
    },
  },
  {
    name: 'speaker_unknown',
    broken({ annotation: { speakers, timeline, acts } }) {
      const known = new Set(speakers.map(({ speaker }) => speaker));
      const odd = speakers.find(({ speaker }, at) => speaker !== `S${at + 1}`)?.speaker;
      if (odd !== undefined) return `A speaker is called "${odd}"; speakers are S1, S2 and so on, in order.`;
      const strange = [...timeline.turns, ...acts].find(({ speaker }) => !known.has(speaker))?.speaker;
      return strange === undefined ? null : `Speaker "${strange}" has turns but is not among the speakers.`;
    },
  },
  {
    name: 'speaker_count',
    broken({ annotation: { counts, speakers } }) {
      return counts.speakers === speakers.length
        ? null
        : `The count of speakers is ${counts.speakers}, but ${speakers.length} are listed.`;
    },
  },
  {
    name: 'transcription_changed',
    broken({ annotation: { words, music }, caption }) {
      const told = `${words.transcription ?? ''}\n${music?.lyrics ?? ''}`;
      const lost = spokenIn(caption).find((quotation) => !occurs(quotation, told));
      return lost === undefined ? null : `The transcription must hold the words '${trimmed(lost)}' exactly.`;
    },
  },
  {
    name: 'phonetic_symbols',
    broken({ annotation: { words } }) {
      const odd = (words.phonetic ?? '').split(/\s+/).find((symbol) => symbol !== '' && !ARPABET.test(symbol));
      return odd === undefined ? null : `"${odd}" is no ARPAbet sound; use sounds such as HH, AH0 and punctuation.`;
    },
  },
  {
    name: 'absent_yet_present',
    broken({ annotation: { absent, events, music } }) {
      const there = new Set([...events.list, ...(music?.instruments ?? [])].map(({ name }) => name.toLowerCase()));
      const both = [...absent.instruments, ...absent.events].find((name) => there.has(name.toLowerCase()));
      return both === undefined ? null : `"${both}" is said to be absent and is listed as present.`;
    },
  },
  {
    name: 'non_latin',
    broken({ annotation }) {
      const letter = foreignLetter(JSON.stringify(annotation));
      return letter === undefined ? null : `The annotation holds "${letter}"; only Latin letters are accepted.`;
    },
  },
];

/** The 39 sounds of ARPAbet as CMUdict uses them, vowels with stress, and punctuation. */
const ARPABET =
  /^(?:(?:AA|AE|AH|AO|AW|AY|EH|ER|EY|IH|IY|OW|OY|UH|UW)[012]?|B|CH|D|DH|F|G|HH|JH|K|L|M|N|NG|P|R|S|SH|T|TH|V|W|Y|Z|ZH|[.,?!;:-]+|\.\.\.)$/;

function spansOf({ timeline, events, acts, music }: Annotation): { start: number; end: number }[] {
  return [
    ...timeline.turns,
    ...timeline.emotions,
    ...timeline.voiced,
    ...events.list,
    ...acts,
    ...(music ? [...music.structure, ...music.instruments, ...music.chords] : []),
  ];
}

/** T 0.3, 4,096 tokens: ours, as upstream's annotator is not public. */
export function annotationStep(tools: Tools): Step<Source, Annotated> {
  const shaped = structured('annotation', ANNOTATION);
  return async (source, context) => {
    const { id, dataset, audio, seconds, caption, kind } = source;
    const { annotation } = await ask(
      tools,
      {
        prompt: 'understanding-annotation',
        values: { caption, seconds: seconds.toFixed(2) },
        temperature: 0.3,
        maxTokens: 4096,
        schema: shaped.schema,
        read: (reply) => ({ annotation: shaped.read(reply), caption, seconds }),
        rules: ANNOTATION_RULES,
      },
      context,
    );
    return { id, dataset, audio, seconds, caption, ...(kind && { domain: kind }), annotation };
  };
}
