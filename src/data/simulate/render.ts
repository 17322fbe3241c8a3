/**
 * An annotation as text: the caption of published understanding records has prose first and then a sentence for every field, also for
 * what is not there. The sentences are ours; the order of the fields is the published one.
 */
import type { Annotation } from './annotation.js';

/** The words that every such caption opens with. */
export const OPENING = 'Caption of the audio:';

/** Caption text: opening, prose, and the annotation line by line. */
export function captionText(prose: string, annotation: Annotation, seconds: number): string {
  return [`${OPENING} ${prose.trim()}`, ...annotationLines(annotation, seconds)].join('\n');
}

/** One line a group of fields. */
export function annotationLines(annotation: Annotation, seconds: number): string[] {
  return [
    ...timeLines(annotation, seconds),
    ...wordLines(annotation),
    ...speakerLines(annotation),
    acousticLine(annotation),
    ...eventLines(annotation),
    ...doubtLines(annotation),
    ...meaningLines(annotation),
    ...musicLines(annotation),
    rateLine(annotation),
  ];
}

const s = (value: number): string => `${value.toFixed(2)}s`;
const span = ({ start, end }: { start: number; end: number }): string => `from ${s(start)} to ${s(end)}`;

/** "There is no X in the audio." for what is empty, else a sentence that is closed once. */
function field(value: string | null | undefined, name: string, sentence: (value: string) => string): string {
  const given = value?.trim() ?? '';
  return given === '' ? `There is no ${name} in the audio.` : closed(sentence(given));
}

function closed(sentence: string): string {
  return /[.!?]["')]?$/.test(sentence) ? sentence : `${sentence}.`;
}

function listed(items: readonly string[], name: string, lead: string): string {
  return field(items.join(', '), name, (all) => `${lead} ${all}`);
}

function timeLines({ timeline, conversation }: Annotation, seconds: number): string[] {
  const speakers = [...new Set(timeline.turns.map(({ speaker }) => speaker))];
  const turns = speakers.map((speaker) => {
    const spans = timeline.turns.filter((turn) => turn.speaker === speaker).map(span);
    return `${speaker} speaks ${spans.join(', ')}.`;
  });
  const there = (is: boolean, name: string): string => `There is ${is ? '' : 'no '}${name} in the audio.`;
  return [
    turns.length > 0 ? turns.join(' ') : 'There are no speaker turns in the audio.',
    field(timeline.order, 'stated order of events', (order) => `In order: ${order}`),
    `The audio lasts ${s(seconds)}.`,
    listed(
      timeline.emotions.map((one) => `${one.emotion} ${span(one)}`),
      'emotion to be heard',
      'The emotion is',
    ),
    listed(timeline.voiced.map(span), 'voice activity', 'A voice is active'),
    [
      there(conversation.backchannel, 'backchannelling'),
      there(conversation.interruption, 'interruption'),
      there(conversation.overlap, 'overlapping speech'),
      conversation.synthetic_voice ? 'The voice is synthetic.' : 'No synthetic voice is detected.',
    ].join(' '),
  ];
}

function wordLines({ words }: Annotation): string[] {
  const stresses = words.stresses.map(
    ({ word, kind, time }) => `"${word}" carries ${kind}${time === null ? '' : ` at ${s(time)}`}`,
  );
  return [
    // A quoted transcription keeps its own marks and gets none on top.
    words.transcription ? `The words are: "${words.transcription}"` : 'There are no words in the audio.',
    words.phonetic ? `Their sounds are: "${words.phonetic}"` : 'There is no phonetic transcription of the audio.',
    [
      field(words.rhythm, 'speech rhythm', (rhythm) => `The rhythm of the speech is ${lower(rhythm)}`),
      field(words.intonation, 'intonation contour', (contour) => `Its intonation is ${lower(contour)}`),
      listed(stresses, 'stressed word', 'Of the words,'),
    ].join(' '),
  ];
}

function speakerLines({ speakers, counts }: Annotation): string[] {
  const traits = [
    ['age', 'age'],
    ['gender', 'gender'],
    ['timbre', 'timbre'],
    ['emotion', 'emotion'],
    ['disfluency', 'disfluency'],
    ['articulation', 'articulation'],
    ['dialect', 'dialect'],
    ['accent', 'accent'],
    ['code_switching', 'code-switching'],
    ['pace', 'pace'],
    ['disease', 'apparent disease'],
    ['non_verbal', 'non-verbal sounds'],
  ] as const;
  const lines = speakers.map((speaker) =>
    closed(
      `Speaker ${speaker.speaker}: ${traits.map(([key, name]) => `${name} ${speaker[key] ?? 'none'}`).join('; ')}`,
    ),
  );
  if (lines.length === 0) lines.push('There is no speaker to describe in the audio.');
  const shortest = counts.shortest_utterance;
  lines.push(
    [
      `Speakers in all: ${counts.speakers}.`,
      `Speakers who only give backchannels: ${counts.backchannel_speakers}.`,
      shortest === null
        ? 'There is no shortest utterance in the audio.'
        : `The shortest utterance lasts ${s(shortest)}.`,
    ].join(' '),
  );
  return lines;
}

function acousticLine({ acoustics }: Annotation): string {
  return [
    field(acoustics.noise, 'noise', (noise) => `Noise: ${noise}`),
    field(acoustics.reverberation, 'reverberation', (room) => `Reverberation: ${room}`),
    field(acoustics.quality, 'stated quality', (quality) => `Perceived quality: ${quality}`),
    field(acoustics.distortion, 'distortion of the recording', (kind) => `Distortion: ${kind}`),
    field(acoustics.place, 'recognisable place', (place) => `Recorded in: ${place}`),
    field(acoustics.volume, 'stated volume', (volume) => `Volume: ${volume}`),
  ].join(' ');
}

function eventLines({ events, causes }: Annotation): string[] {
  const described = events.list.filter((event, at) => {
    return event.description && events.list.findIndex(({ name }) => name === event.name) === at;
  });
  return [
    listed(
      events.list.map((event) => `${event.name} ${span(event)}`),
      'separate audio event',
      'The audio events are',
    ),
    ...described.map(({ name, description }) => closed(`${name}: ${description}`)),
    [
      field(events.spatial, 'spatial information', (where) => `In space: ${where}`),
      listed(
        events.counts.map(({ name, count }) => `${name} ${count === 1 ? 'once' : `${count} times`}`),
        'count of events',
        'Counted:',
      ),
      events.synthetic_source ? 'The source is synthetic.' : 'The source is not synthetic.',
      field(events.artifacts, 'artifact of the recording', (kind) => `Artifacts beside the content: ${kind}`),
    ].join(' '),
    causes.length === 0
      ? 'There is no causal link between events in the audio.'
      : causes
          .map((one) => closed(`${one.trigger} leads to ${one.effect} (${one.kind})${after(one.description)}`))
          .join(' '),
  ];
}

function doubtLines({ ambiguity, absent, signal }: Annotation): string[] {
  const elements = ambiguity.elements.map(
    ({ element, candidates }) => `${element} (perhaps ${candidates.join(' or ')})`,
  );
  return [
    [
      closed(`How far gender can be told: ${ambiguity.gender ?? 'does not apply'}`),
      closed(`How far the place can be told: ${ambiguity.place ?? 'does not apply'}`),
      closed(`How far lyrics can be understood: ${ambiguity.lyrics ?? 'does not apply'}`),
      listed(elements, 'ambiguous element', 'Open to doubt:'),
    ].join(' '),
    [
      closed(`Instruments that are absent: ${absent.instruments.join(', ') || 'none named'}`),
      closed(`Emotions that are absent: ${absent.emotions.join(', ') || 'none named'}`),
      closed(`Events that are absent: ${absent.events.join(', ') || 'none named'}`),
      closed(`What one might assume and would be wrong: ${absent.untrue.join('; ') || 'nothing named'}`),
    ].join(' '),
    [
      field(signal.foreground, 'clear foreground', (how) => `Dominance of the foreground: ${how}`),
      field(signal.background, 'background noise', (kind) => `Background noise: ${kind}`),
      closed(
        signal.distorted
          ? `The signal is distorted: ${signal.distortion_kind ?? 'kind unknown'}`
          : 'The signal is not distorted',
      ),
    ].join(' '),
  ];
}

function meaningLines({ acts, entities }: Annotation): string[] {
  const actions = entities.actions.map((one) => closed(`${one.who}: ${one.action}${after(one.evidence)}`));
  return [
    acts.length === 0
      ? 'There is no speech act in the audio.'
      : acts
          .map((act) =>
            closed(
              `${act.speaker} makes a ${act.form} ${span(act)}, to ${act.intent}; sarcasm ${act.sarcasm ?? 'none'}`,
            ),
          )
          .join(' '),
    [
      listed(entities.named, 'named entity', 'Named entities:'),
      actions.length === 0 ? 'There is no action to attribute in the audio.' : actions.join(' '),
    ].join(' '),
  ];
}

function musicLines({ music }: Annotation): string[] {
  const rhythm = music && [
    music.bpm === null ? '' : `${music.bpm} BPM`,
    music.signature ?? '',
    music.feel === null ? '' : `${music.feel} feel`,
    music.beat === null ? '' : `${music.beat} beat`,
  ];
  const spans = (
    items: readonly { start: number; end: number }[] | undefined,
    name: (at: number) => string,
  ): string[] => (items ?? []).map((item, at) => `${name(at)} ${span(item)}`);
  return [
    [
      field(music?.texture, 'instrumental texture', (value) => `Texture of the instruments: ${value}`),
      field(music?.genre, 'musical genre', (value) => `Genre: ${value}`),
      field(music?.tempo, 'musical tempo', (value) => `Tempo: ${value}`),
      field(music?.mood, 'musical mood', (value) => `Mood: ${value}`),
      music?.lyrics ? `The lyrics are: "${music.lyrics}"` : 'There are no lyrics in the audio.',
    ].join(' '),
    [
      field(music?.harmony, 'harmony', (value) => `Harmony: ${value}`),
      field(music?.melody, 'melody', (value) => `Melody: ${value}`),
      listed(
        spans(music?.structure, (at) => music?.structure[at]?.name ?? ''),
        'musical structure',
        'Structure:',
      ),
      field(music?.timbre, 'musical timbre', (value) => `Timbre: ${value}`),
      listed(
        (rhythm ?? []).filter((one) => one !== ''),
        'musical rhythm',
        'Rhythm:',
      ),
    ].join(' '),
    [
      listed(
        (music?.instruments ?? []).map((one) => `${one.name} ${span(one)}${one.role ? ` as ${one.role}` : ''}`),
        'instrument',
        'Instruments:',
      ),
      field(music?.key, 'musical key', (value) => `Key: ${value}`),
      listed(
        spans(music?.chords, (at) => music?.chords[at]?.chord ?? ''),
        'chord progression',
        'Chords:',
      ),
    ].join(' '),
  ];
}

function rateLine({ rates }: Annotation): string {
  return [
    field(rates.backchannel, 'backchannel rate', (value) => `Rate of backchannels: ${value}`),
    field(rates.interruption, 'interruption rate', (value) => `Rate of interruptions: ${value}`),
    field(
      rates.overlap_percent === null ? null : `${rates.overlap_percent}%`,
      'overlap rate',
      (value) => `Overlap: ${value}`,
    ),
  ].join(' ');
}

function after(detail: string | null): string {
  return detail ? `: ${detail}` : '';
}

function lower(value: string): string {
  return /^[A-Z][a-z]/.test(value) ? value.charAt(0).toLowerCase() + value.slice(1) : value;
}
