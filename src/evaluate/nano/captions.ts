/** What a caption states against what is true of its scene. */
import { extractFacts, presence, type Scene } from '../../corpus/index.js';
import { scenePresence } from '../../corpus/words/caption.js';
import { readForm } from '../../corpus/words/caption-forms.js';
import { lowered, splitSentences } from '../../corpus/words/forms.js';
import { type Presence, readEvents } from '../../corpus/words/phrases.js';
import { alignWords, spokenWords, type WordErrors } from '../../text/index.js';
import { type Detection, matchLabels, matchOnsets } from '../metrics/detection.js';

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
  ambience: { there: string | null; told: string | null };
  speakers: { there: number; told: number; gendersRight: number };
  instruments: Detection | null;
  tempoRight: boolean | null;
  words: WordErrors;
}

export function scoreCaption(caption: string, scene: Scene): CaptionScore {
  const facts = extractFacts(caption);
  const sentences = splitSentences(caption).map(lowered);
  const first = sentences.length > 0 ? readForm(sentences[0]) : null;
  const { music } = scene;
  const labels = (list: readonly { label: string }[]): string[] => list.map(({ label }) => label);
  return {
    told: presence(caption),
    there: scenePresence(scene),
    formed: first?.name === 'global' || first?.name === 'globalOnly',
    sentences: sentences.length,
    unread: sentences.filter((sentence) => readForm(sentence) === null && readEvents(sentence).length === 0).length,
    events: matchLabels(labels(scene.events), labels(facts.events)),
    onsets: matchOnsets(scene.events, facts.events, TOLERANCE),
    ambience: { there: scene.ambience?.label ?? null, told: facts.ambience },
    speakers: speakerScore(
      facts.speakers.map((s) => s.gender),
      speaking(scene).map((s) => s.gender),
    ),
    instruments: music && matchLabels(music.instruments, facts.music?.instruments ?? []),
    tempoRight: music && facts.music?.tempo === music.tempo,
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
