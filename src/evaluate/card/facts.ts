/** What of a caption is right: fact by fact, so that it can be counted and said. */
import { type CaptionFacts, extractFacts, type Scene } from '../../corpus/index.js';
import { scenePresence } from '../../corpus/words/caption.js';
import { heardWords, KINDS, speaking } from '../nano/captions.js';

/** One thing that a caption states or should. */
export interface Fact {
  /** as in "tempo" */
  name: string;
  right: boolean;
  /** where it is wrong: what is told and what is true, in words */
  wrong: string;
}

/**
 * The facts of a clip that its true caption or the model's states. What both leave out is not counted; what the model states
 * is measured by the scene, what it leaves out by the true caption. Times, moods, places and recording quality are not counted.
 *
 * @param caption the model's @param truth the corpus's own
 */
export function factsOf(caption: string, truth: string, scene: Scene): Fact[] {
  const [told, expected] = [extractFacts(caption), extractFacts(truth)];
  return [
    ...presenceFacts(told, scene),
    ...speechFacts(told, scene),
    ...listFacts('sound', labels(scene.events), labels(told.events), labels(expected.events)),
    ...single('background', told.ambience, scene.ambience?.label ?? null, expected.ambience),
    ...musicFacts(told, expected, scene),
  ];
}

const labels = (list: readonly { label: string }[]): string[] => list.map(({ label }) => label);

function presenceFacts(told: CaptionFacts, scene: Scene): Fact[] {
  const there = scenePresence(scene);
  return KINDS.map((kind) => ({
    name: kind,
    right: told.presence[kind] === there[kind],
    wrong: there[kind] ? `${kind} is missed` : `${kind} is invented`,
  }));
}

function speechFacts(told: CaptionFacts, scene: Scene): Fact[] {
  const there = speaking(scene);
  if (there.length === 0 && told.speakers.length === 0) return [];
  const count: Fact = {
    name: 'number of speakers',
    right: told.speakers.length === there.length,
    wrong: `${told.speakers.length} speakers instead of ${there.length}`,
  };
  const genders = there.flatMap(({ gender }, i) =>
    single(`speaker ${i + 1}`, told.speakers[i]?.gender ?? null, gender, gender),
  );
  const {
    reference: words,
    substitutions,
    insertions,
    deletions,
  } = heardWords(
    scene,
    told.turns.map(({ sentence }) => sentence),
  );
  const errors = substitutions + insertions + deletions;
  const spoken = words > 0 ? [{ name: 'words', right: errors === 0, wrong: `${errors} errors in ${words} words` }] : [];
  return [count, ...genders, ...spoken];
}

function musicFacts(told: CaptionFacts, expected: CaptionFacts, { music }: Scene): Fact[] {
  const [here, should] = [told.music, expected.music];
  const list = (name: string[] | undefined): string[] => name ?? [];
  const instruments = listFacts(
    'instrument',
    list(music?.instruments),
    list(here?.instruments),
    list(should?.instruments),
  );
  // Of music that is not there one thing is wrong for each instrument, and not its tempo as well.
  if (!music) return instruments;
  return [
    ...instruments,
    ...single('tempo', here?.tempo ?? null, music.tempo, should?.tempo ?? null),
    ...single('mode', here?.mode ?? null, music.mode, should?.mode ?? null),
  ];
}

/** A fact with one value; null where none is told, or there is none. */
function single(name: string, told: string | null, there: string | null, expected: string | null): Fact[] {
  if (told === null && expected === null) return [];
  const wrong =
    told === null
      ? `${name} not told (${there})`
      : there === null
        ? `${name} invented (${told})`
        : `${name} ${told} instead of ${there}`;
  return [{ name, right: told === there, wrong }];
}

/** Facts with names, each as often as it is there or told. */
function listFacts(
  name: string,
  there: readonly string[],
  told: readonly string[],
  expected: readonly string[],
): Fact[] {
  const left = [...there];
  const facts = told.map((label): Fact => {
    const at = left.indexOf(label);
    if (at >= 0) left.splice(at, 1);
    return { name: `${name} ${label}`, right: at >= 0, wrong: `${name} ${label} invented` };
  });
  const open = [...expected];
  for (const label of told) if (open.includes(label)) open.splice(open.indexOf(label), 1);
  const missed = left.filter((label) => {
    const at = open.indexOf(label);
    if (at >= 0) open.splice(at, 1);
    return at >= 0;
  });
  return [
    ...facts,
    ...missed.map((label) => ({ name: `${name} ${label}`, right: false, wrong: `${name} ${label} missed` })),
  ];
}
