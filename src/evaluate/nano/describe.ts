/** Part "describe": every clip is described, and what its caption states is compared with the truth. */
import { f1Part } from '../metrics/detection.js';
import { ratioOf } from '../metrics/statistics.js';
import { type CaptionScore, KINDS, presenceRight, scoreCaption } from './captions.js';
import { type Context, resultsOf, samplesOf, type TestClip } from './context.js';
import { percent, type Row, ratio, share, wordErrorRow } from './report.js';
import { fill } from './results.js';

const PART = 'describe';
/** The floor for all three kinds of sound told right. */
const PRESENCE_FLOOR = 0.9;

export async function describeClips(context: Context, clips: readonly TestClip[]): Promise<Row[]> {
  const { bagpiper, temperature, seed, together } = context;
  const captions = await fill(
    resultsOf<string>(context, PART),
    clips,
    ({ scene }) => scene.id,
    async (clip) => (await bagpiper.describe(await samplesOf(clip), { temperature, seed })).caption,
    { together, tell: context.progress(PART) },
  );
  const scores = clips.map(({ scene }, i) => scoreCaption(captions[i], scene));
  const truth = clips.map(({ scene, record }) => scoreCaption(record.caption, scene));
  return describeRows(scores, truth);
}

/**
 * @param truth scores of the corpus's own captions: they leave some things out on purpose, so they show what a caption
 *   without an error reaches
 */
export function describeRows(scores: readonly CaptionScore[], truth: readonly CaptionScore[]): Row[] {
  return [...presenceRows(scores), ...soundRows(scores, truth), ...speechRows(scores, truth), ...musicRows(scores)];
}

function presenceRows(scores: readonly CaptionScore[]): Row[] {
  return [
    share(PART, 'speech, music and sound all told right', scores.map(presenceRight), 'clips', {
      floor: PRESENCE_FLOOR,
    }),
    ...KINDS.map((kind) =>
      share(
        PART,
        `${kind} told right`,
        scores.map(({ told, there }) => told[kind] === there[kind]),
        'clips',
        { note: `missed ${count(scores, kind, true)}, invented ${count(scores, kind, false)}` },
      ),
    ),
    share(
      PART,
      'captions that do not open with a sentence of our forms',
      scores.map((s) => !s.formed),
      'clips',
    ),
    ratio(
      PART,
      'sentences that state nothing readable',
      scores.map((s) => [s.unread, s.sentences]),
      'clips',
    ),
  ];
}

/** Clips whose kind is there (or is not) and told otherwise. */
function count(scores: readonly CaptionScore[], kind: (typeof KINDS)[number], there: boolean): number {
  return scores.filter((s) => s.there[kind] === there && s.told[kind] !== there).length;
}

function soundRows(scores: readonly CaptionScore[], truth: readonly CaptionScore[]): Row[] {
  const f1 = (measure: string, field: 'events' | 'onsets'): Row => {
    const best = ratioOf(truth.map((s) => f1Part(s[field])));
    const parts = scores.map((s) => f1Part(s[field]));
    return ratio(PART, measure, parts, 'clips', { note: `the corpus's own captions: ${percent(best)}` });
  };
  const ambient = scores.filter((s) => s.ambience.there !== null);
  const still = scores.filter((s) => s.ambience.there === null);
  return [
    f1('event F1, labels', 'events'),
    f1('event F1, label and onset within 1 s', 'onsets'),
    share(
      PART,
      'ambience told right where there is one',
      ambient.map(({ ambience }) => ambience.told === ambience.there),
      'clips with ambience',
    ),
    share(
      PART,
      'ambience invented where there is none',
      still.map(({ ambience }) => ambience.told !== null),
      'clips without',
    ),
  ];
}

function speechRows(scores: readonly CaptionScore[], truth: readonly CaptionScore[]): Row[] {
  const spoken = scores.filter((s) => s.there.speech);
  const alone = spoken.filter((s) => !s.there.music && !s.there.sound);
  const best = ratioOf(
    truth.map(({ words }) => [words.substitutions + words.insertions + words.deletions, words.reference]),
  );
  return [
    wordErrorRow(
      PART,
      'word error rate of the quoted words',
      scores.map((s) => s.words),
      `the corpus's own captions: ${percent(best)}`,
    ),
    wordErrorRow(
      PART,
      'the same, speech alone',
      alone.map((s) => s.words),
    ),
    share(
      PART,
      'number of speakers told right',
      scores.map((s) => s.speakers.told === s.speakers.there),
      'clips',
    ),
    share(
      PART,
      'the same, where there is speech',
      spoken.map((s) => s.speakers.told === s.speakers.there),
      'clips with speech',
    ),
    ratio(
      PART,
      "speakers' gender told right",
      spoken.map((s) => [s.speakers.gendersRight, s.speakers.there]),
      'clips with speech',
    ),
  ];
}

function musicRows(scores: readonly CaptionScore[]): Row[] {
  const played = scores.filter((s) => s.instruments !== null);
  const parts = played.map((s) => s.instruments!);
  return [
    ratio(PART, 'instrument F1', parts.map(f1Part), 'clips with music'),
    share(
      PART,
      'all instruments right',
      parts.map((p) => p.extra === 0 && p.missed === 0),
      'clips with music',
    ),
    share(
      PART,
      'tempo (slow, medium, fast) right',
      played.map((s) => s.tempoRight === true),
      'clips with music',
    ),
  ];
}
