/** The samples of the card as a Markdown page. */
import { LONGEST } from './choose.js';
import type { Gallery, HeardSample, RenderedSample } from './make.js';
import { WORDS_WRONG } from './make.js';

export interface PageFacts {
  /** the model's hash */
  hash: string;
  /** of the renderings */
  seed: number;
  /** the recognizer was there */
  recognizer: boolean;
  /** lines about whose sounds these are */
  credits: readonly string[];
  /** files hold at most so many seconds */
  cut: number;
  /** docs/licences.md, from the page's folder */
  licences: string;
}

export function galleryPage(
  { heard, rendered }: Gallery,
  { hash, seed, recognizer, credits, cut, licences }: PageFacts,
): string {
  const wrong = heard.map(({ facts }) => facts.filter(({ right }) => !right).length);
  const all = heard.reduce((sum, { facts }) => sum + facts.length, 0);
  const failed = rendered.filter(({ failures }) => failures.length > 0).length;
  const listener = recognizer
    ? 'and, where words were asked for, what pocketsphinx hears in it'
    : 'pocketsphinx was not installed';
  return `# Samples of the small model

Made by \`npm run card:samples\` with the model ${hash}; the same model and seed (${seed}) give the same page. **Nothing here was
picked by ear:** of each kind of clip the first two of the test split (in the order of their ids, up to ${LONGEST} s) are taken, the first to be
heard, the second to be rendered from its request. What failed is shown as it is.

In short: ${wrong.reduce((sum, n) => sum + n, 0)} of ${all} facts wrong in ${heard.length} captions; ${failed} of ${rendered.length} renderings failed.

## Heard

The true caption is the corpus's own. Facts are: kinds of sound, number and gender of speakers, their words (one fact), events, background,
instruments, tempo, mode. Times, moods, places and recording quality are not counted, nor is what both captions leave out.

${heard.map(heardPart).join('\n')}
## Rendered

Below each request is what the model planned, and what is heard in the result: by the model itself, ${listener}. A rendering has failed
where the model does not hear the kinds of sound that were asked for, where it lasts less than half or more than twice as long as its caption
says, or where pocketsphinx gets more than ${Math.round(100 * WORDS_WRONG)} errors to a hundred words.

${rendered.map((sample) => renderedPart(sample, cut)).join('\n')}
## Whose sounds

The renderings are the model's (Apache-2.0). The clips that were heard are composed of:

${credits.map((line) => `- ${line}`).join('\n')}

All sources with their licences: [docs/licences.md](${licences}).
`;
}

function heardPart({ kind, id, file, seconds, truth, caption, facts }: HeardSample): string {
  const wrong = facts.filter(({ right }) => !right);
  const verdict =
    wrong.length === 0
      ? `all ${facts.length} facts right`
      : `**${wrong.length} of ${facts.length} facts wrong:** ${wrong.map((fact) => plain(fact.wrong)).join('; ')}`;
  return `### ${kind}

[${file}](${file}), ${seconds.toFixed(1)} s, clip ${id}: ${verdict}

| true caption | the model's caption |
| --- | --- |
| ${plain(truth)} | ${plain(caption) || '(nothing)'} |
`;
}

function renderedPart(
  { kind, id, file, seconds, request, thinking, caption, heard, words, failures }: RenderedSample,
  cut: number,
): string {
  const verdict =
    failures.length === 0 ? 'as asked, by the measures above' : `**failed:** ${failures.map(plain).join('; ')}`;
  const length = `${seconds.toFixed(1)} s${seconds > cut ? ` (the first ${cut} s in the file)` : ''}`;
  const link = file === null ? 'no file' : `[${file}](${file}), ${length}`;
  const said = words?.heard;
  const rows = [
    ['request', request],
    ['thinking', thinking],
    ['caption', caption],
    ...(file === null ? [] : [['the model hears', heard || '(nothing)']]),
    ...(words && file !== null ? [['words asked for', words.asked]] : []),
    ...(words && said !== undefined && said !== null ? [['pocketsphinx hears', said || '(nothing)']] : []),
  ];
  return `### ${kind}

${link}, request of clip ${id}: ${verdict}

| | |
| --- | --- |
${rows.map(([name, text]) => `| ${name} | ${plain(text)} |`).join('\n')}
`;
}

/** A text in a cell of a table, as it is: nothing in it is markup. */
function plain(text: string): string {
  return text
    .trim()
    .replace(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`)
    .replace(/\s*\n\s*/g, '<br>')
    .replace(/\s+/g, ' ');
}
