/** Whose sounds are in clips of the corpus, as docs/licences.md lists them. */
import { AMBIENCES, EVENTS, type Scene, VOICES } from '../../corpus/index.js';
import { BagpiperError } from '../../errors.js';

/** Game effects are made by jsfxr, which EVENTS tells by a preset's name. */
const isPreset = (source: unknown): boolean => typeof source === 'string';

/**
 * A line for each source in use.
 *
 * @param licences text of docs/licences.md
 * @throws BagpiperError where it does not credit a recording
 */
export function creditsOf(scenes: readonly Scene[], licences: string): string[] {
  const voices = VOICES.filter(({ id }) => scenes.some(({ speakers }) => speakers.some(({ voice }) => voice === id)));
  const flite = [...new Set(voices.filter(({ engine }) => engine === 'flite').map(({ engineVoice }) => engineVoice))];
  const kinds = [
    ...EVENTS.filter(({ label }) => scenes.some(({ events }) => events.some((event) => event.label === label))),
    ...AMBIENCES.filter(({ label }) => scenes.some(({ ambience }) => ambience?.label === label)),
  ];
  const recorded = kinds.filter(({ kind }) => kind === 'recorded');
  const preset = kinds.some(({ kind, source }) => kind === 'synthetic' && isPreset(source));
  const made = kinds.some(({ kind, source }) => kind === 'synthetic' && !isPreset(source));
  return [
    ...(flite.length > 0
      ? [`Speech: Flite voices ${flite.join(', ')} (Carnegie Mellon University; BSD-like, attribution).`]
      : []),
    ...(voices.some(({ engine }) => engine === 'espeak')
      ? ['Speech: eSpeak NG voices (output of a GPL-3.0 program).']
      : []),
    ...(scenes.some(({ music }) => music) ? [`Music: ${sourceOf('music', licences)}.`] : []),
    ...(preset ? ['Game effects: jsfxr (Unlicense).'] : []),
    ...(made || scenes.some(({ music }) => music) ? ['Other synthetic sounds and all tunes: ours (Apache-2.0).'] : []),
    ...recorded.map(({ label }) => `Recording of ${label}, CC0 1.0: ${recordingOf(label, licences)}.`),
  ];
}

const rowsOf = (licences: string): string[][] =>
  licences
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

function sourceOf(what: string, licences: string): string {
  const row = rowsOf(licences).find(([name]) => name === what);
  if (!row) throw new BagpiperError(`docs/licences.md has no row for ${what}; add its source.`);
  return `${row[1]} (${row[2]})`;
}

function recordingOf(label: string, licences: string): string {
  const row = rowsOf(licences).find(([name]) => name.replace(' (ambience)', '') === label);
  if (!row) throw new BagpiperError(`docs/licences.md has no row for the recording of ${label}; add who made it.`);
  return `${row[1]} by ${row[2]} on freesound.org`;
}
