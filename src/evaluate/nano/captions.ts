/** What a caption states against what is true of its scene. */
import { extractFacts, presence, type Scene } from '../../corpus/index.js';
import { scenePresence } from '../../corpus/words/caption.js';
import { readForm } from '../../corpus/words/caption-forms.js';
import { lowered, splitSentences } from '../../corpus/words/forms.js';
import { type Presence, readEvents } from '../../corpus/words/phrases.js';
import { alignWords, spokenWords, type WordErrors } from '../../text/index.js';
import { type Detection, matchEvents, matchLabels, matchOnsets, orderRight } from '../metrics/detection.js';

/** Seconds that a told onset may be off. */
const TOLERANCE = 1;

export const KINDS = ['speech', 'music', 'sound'] as const;

/** A caption against its scene; null where the scene has nothing to be right or wrong about. */
export interface CaptionScore {
  told: Presence;
  there: Presence;
  /** the first sentence is one of the forms that say which kinds there are */
  formed: boolean;
  /** sentences, and those among them that state nothing readable */
  sentences: number;
  unread: number;
  events: Detection;
  onsets: Detection;
  /** matched events in the order in which they begin; null when fewer than two different ones are matched */
  orderRight: boolean | null;
  /** seconds by which told starts of matched events are off */
  onsetErrors: number[];
  /** events that are matched */
  matched: number;
  ambience: { there: string | null; told: string | null };
  speakers: { there: number; told: number; gendersRight: number };
  instruments: Detection | null;
  /** the first instrument, which leads */
  leadRight: boolean | null;
  tempoRight: boolean | null;
  /** null, too, where the caption does not say major or minor */
  modeRight: boolean | null;
  words: WordErrors;
}

export function scoreCaption(caption: string, scene: Scene): CaptionScore {
  const facts = extractFacts(caption);
  const sentences = splitSentences(caption).map(lowered);
  const first = sentences.length > 0 ? readForm(sentences[0]) : null;
  const { music } = scene;
  const labels = (list: readonly { label: string }[]): string[] => list.map(({ label }) => label);
  const matches = matchEvents(scene.events, facts.events);
  return {
    told: presence(caption),
    there: scenePresence(scene),
    formed: first?.name === 'global' || first?.name === 'globalOnly',
    sentences: sentences.length,
    unread: sentences.filter((sentence) => readForm(sentence) === null && readEvents(sentence).length === 0).length,
    events: matchLabels(labels(scene.events), labels(facts.events)),
    onsets: matchOnsets(scene.events, facts.events, TOLERANCE),
    orderRight: orderRight(scene.events, facts.events, matches),
    onsetErrors: matches.flatMap(({ there, told }) => {
      const { start } = facts.events[told];
      return start === null ? [] : [Math.abs(start - scene.events[there].start)];
    }),
    matched: matches.length,
    ambience: { there: scene.ambience?.label ?? null, told: facts.ambience },
    speakers: speakerScore(
      facts.speakers.map((s) => s.gender),
      speaking(scene).map((s) => s.gender),
    ),
    instruments: music && matchLabels(music.instruments, facts.music?.instruments ?? []),
    leadRight: music && facts.music?.instruments[0] === music.instruments[0],
    tempoRight: music && facts.music?.tempo === music.tempo,
    modeRight: music && (facts.music?.mode ?? null) && facts.music?.mode === music.mode,
    words: heardWords(
      scene,
      facts.turns.map((turn) => turn.sentence),
    ),
  };
}

/** Whether all three kinds are told as they are. */
export function presenceRight({ told, there }: Pick<CaptionScore, 'told' | 'there'>): boolean {
  return KINDS.every((kind) => told[kind] === there[kind]);
}

/** The words of all turns in order against heard sentences. */
export function heardWords(scene: Scene, sentences: readonly string[]): WordErrors {
  return alignWords(
    scene.speech.flatMap((turn) => spokenWords(turn.words)),
    sentences.flatMap(spokenWords),
  );
}

/** Those who speak, in the order of their first words. */
export function speaking(scene: Scene): Scene['speakers'] {
  return [...new Set(scene.speech.map((turn) => turn.speaker))].map((index) => scene.speakers[index]);
}

function speakerScore(told: readonly string[], there: readonly string[]): CaptionScore['speakers'] {
  const gendersRight = there.filter((gender, i) => told[i] === gender).length;
  return { there: there.length, told: told.length, gendersRight };
}
