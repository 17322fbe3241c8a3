/**
 * Whether renderings have the voice, instrument, tempo and events that were asked for, by signal measures that are fixed on
 * the synthesizers' train clips (measures.ts) and know nothing of the model. The same measures on the originals of the
 * same scenes say how far they can be trusted, on codec round trips what the codec costs.
 */

import type { Scene } from '../../corpus/index.js';
import { isSpeechAlone } from '../../corpus/words/caption.js';
import type { Part } from '../metrics/statistics.js';
import type { Context, TestClip } from './context.js';
import { fitMeasures, type Measures } from './measures.js';
import { atLeast, type More, missing, percent, type Row, ratio, share, type Target } from './report.js';
import { isEventsAlone, isMusicAlone, STAGE_NAMES, STAGES, type Stage, stagedSounds } from './stages.js';

const PART = 'render';

/** One thing that can be measured of renderings of some scenes. */
interface Check {
  measure: string;
  /** what is counted */
  of: string;
  target?: Target;
  fits(scene: Scene): boolean;
  /** found, asked for */
  score(measures: Measures, sound: Float32Array, scene: Scene): Part;
  /** the same sound asked for what another scene has and this one has not: what chance finds */
  chance?(scene: Scene, other: Scene): Scene;
}

const yes = (right: boolean): Part => [right ? 1 : 0, 1];
const oneSpeaker = (scene: Scene): boolean => isSpeechAlone(scene) && scene.speakers.length === 1;
const gender = ({ speakers }: Scene): string => speakers[0].gender;

/** Targets: issue "The small world, mastered". */
const CHECKS: readonly Check[] = [
  {
    measure: 'voice gender as asked, by pitch and timbre,',
    of: 'clips of one speaker',
    target: atLeast(0.9),
    fits: oneSpeaker,
    score: (measures, sound, scene) => yes(measures.gender(sound) === gender(scene)),
  },
  {
    measure: 'voice gender as asked, by median pitch alone,',
    of: 'clips of one grown-up speaker',
    fits: (scene) => oneSpeaker(scene) && scene.speakers[0].age !== 'child',
    score: (measures, sound, scene) => yes(measures.genderByPitch(sound) === gender(scene)),
  },
  {
    measure: 'instrument as asked, by timbre,',
    of: 'clips of one instrument',
    target: atLeast(0.9),
    fits: (scene) => isMusicAlone(scene) && scene.music?.instruments.length === 1,
    score: (measures, sound, { music }) => yes(measures.instrument(sound) === music?.instruments[0]),
  },
  {
    measure: 'tempo class as asked, by onset autocorrelation,',
    of: 'clips of music',
    target: atLeast(0.9),
    fits: isMusicAlone,
    score: (measures, sound, { music }) => yes(measures.tempo(sound) === music?.tempo),
  },
  {
    measure: 'requested events found, by nearest spectra (trained on the synthesizers, not on real recordings),',
    of: 'clips of events',
    target: atLeast(0.85),
    fits: isEventsAlone,
    score: (measures, sound, { events }) => {
      const asked = [...new Set(events.map(({ label }) => label))];
      const heard = measures.events(sound);
      return [asked.filter((label) => heard.has(label)).length, asked.length];
    },
    chance: ({ events }, other) => ({
      ...other,
      events: other.events.filter(({ label }) => events.every((event) => event.label !== label)),
    }),
  },
];

const titleOf = ({ measure }: Check, stage: Stage): string => `${measure} ${STAGE_NAMES[stage]}`;

export function missingSignals(why: string): Row[] {
  return CHECKS.map((check) => missing(PART, titleOf(check, 'rendered'), why, check.target));
}

export async function signalRows(
  context: Context,
  clips: readonly TestClip[],
  train: string | undefined,
): Promise<Row[]> {
  if (train === undefined) return missingSignals('there is no folder of train clips: --train');
  const measures = await fitMeasures(train, context.progress('measures'));
  const rows: Row[] = [];
  for (const check of CHECKS) {
    const fitting = clips.filter(({ scene }) => check.fits(scene));
    const sounds = await stagedSounds(context, fitting);
    const scores = (stage: Stage, sceneOf: (scene: Scene, next: Scene) => Scene): Part[] =>
      fitting.map(({ scene }, i) =>
        check.score(measures, sounds[stage][i], sceneOf(scene, fitting[(i + 1) % fitting.length].scene)),
      );
    for (const stage of STAGES) {
      const aim = stage === 'rendered' && check.target ? { target: check.target } : {};
      const note = check.chance
        ? { note: `asked for the next clip's events: ${percentOf(scores(stage, check.chance))}` }
        : {};
      rows.push(
        scoreRow(
          check,
          titleOf(check, stage),
          scores(stage, (scene) => scene),
          { ...aim, ...note },
        ),
      );
    }
  }
  return rows;
}

/** One thing a clip is a share of clips; several are a ratio of sums. */
function scoreRow({ of }: Check, title: string, parts: readonly Part[], more: More): Row {
  if (parts.some(([, asked]) => asked !== 1)) return ratio(PART, title, parts, of, more);
  return share(
    PART,
    title,
    parts.map(([found]) => found === 1),
    of,
    more,
  );
}

function percentOf(parts: readonly Part[]): string {
  const [found, asked] = [0, 1].map((k) => parts.reduce((sum, part) => sum + part[k], 0));
  return asked > 0 ? percent(found / asked) : 'there is none';
}
