/** From results to docs: tables between two markers of a Markdown file, and pictures in a folder beside it. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import { machineLines } from '../bench/table.js';
import { BagpiperError } from '../src/errors.js';
import { writeAtomically } from '../src/files.js';
import { COMPARISONS, comparisonTable, signed, spreadText } from './comparisons.js';
import { drawSvg, guidanceCurves, lossCurves, scalingCurves } from './curves.js';
import { GUIDANCE_SCALES, guidanceId, REFERENCE } from './plan.js';
import type { Result } from './results.js';
import { power, scalingReport } from './scaling-report.js';
import { pairedDifference } from './statistics.js';

export const BEGIN = '<!-- results: written by "npm run experiments -- report" -->';
export const END = '<!-- results: end -->';

/** A section with its picture, or without. */
interface Section {
  name: string;
  title: string;
  markdown: string;
  picture?: TopLevelSpec;
}

const TITLES = {
  'caption-then-process': 'Caption, then process',
  joint: 'Both ways together',
  'rich-captions': 'Rich captions or labels',
  warmup: 'Warm-up stage',
} as const;

const NOT_RUN = 'Not run yet.';

/** The generated part. @param pictures folder of the pictures, as the document names it */
export function reportText(results: readonly Result[], pictures: string): { markdown: string; sections: Section[] } {
  const byId = new Map(results.map((result) => [result.id, result]));
  const sections: Section[] = [
    ...(Object.keys(TITLES) as (keyof typeof TITLES)[]).map((name) => compared(name, byId)),
    guidance(byId),
    scaling(byId),
  ];
  const parts = sections.map(({ name, title, markdown, picture }) => {
    const image = picture ? [`![${title}](${pictures}/${name}.svg)`, ''] : [];
    return [`### ${title}`, '', markdown, '', ...image].join('\n');
  });
  return { markdown: [...about(results), '', ...parts].join('\n').trimEnd(), sections };
}

function about(results: readonly Result[]): string[] {
  const machines = new Set(
    results.map(({ machine }) => machineLines({ ...machine, load: 0 })[0].replace(/; load.*/, '')),
  );
  const commits = new Set(results.map(({ commit }) => commit ?? 'unknown'));
  const seeds = new Set(results.filter(({ id }) => id !== REFERENCE).map(({ seed }) => seed));
  const flops = results.reduce((sum, { compute }) => sum + (compute?.flops ?? 0), 0);
  return [
    `${results.length} runs, seeds ${[...seeds].sort((a, b) => a - b).join(', ')}; ${power(flops)} FLOPs of training in all; commit ${[...commits].join(', ')}; ${[...machines].join('; ')}.`,
    '',
    "Mean ± standard deviation over seeds; differences are second minus first, paired by seed, with the 95 % interval of Student's t. A difference whose interval holds 0 is called noise.",
  ];
}

function compared(name: keyof typeof TITLES, results: ReadonlyMap<string, Result>): Section {
  const comparisons = COMPARISONS[name];
  const tables = comparisons.flatMap((comparison) => comparisonTable(comparison, results) ?? []);
  const compute = computeLine(name, results);
  const markdown = tables.length > 0 ? [...tables, ...compute].join('\n\n') : NOT_RUN;
  const arms = new Map(comparisons.flatMap(({ first, second }) => [first, second]).map((arm) => [arm.id(1), arm]));
  const picture = lossCurves([...arms.values()], results);
  return { name, title: TITLES[name], markdown, ...(picture ? { picture } : {}) };
}

/** Compute of each arm, which is to be equal. */
function computeLine(name: keyof typeof TITLES, results: ReadonlyMap<string, Result>): string[] {
  const arms = new Map(COMPARISONS[name].flatMap(({ first, second }) => [first, second]).map((a) => [a.id(1), a]));
  const lines = [...arms.values()].flatMap(({ id }) => {
    const found = [...results.values()].find((result) => result.id === id(result.seed));
    if (!found?.compute) return [];
    const { steps, flops, readTokens, scoredTokens, samples } = found.compute;
    return [
      `\`${id(found.seed)}\`: ${steps} steps, ${power(flops)} FLOPs, ${readTokens} rows read, ${scoredTokens} scored, ${samples} samples.`,
    ];
  });
  return lines.length > 0 ? [`Compute: ${lines.join(' ')}`] : [];
}

/** Measures of the guidance table: `WER` counts as better when lower. */
const GUIDED = ['kinds', 'speech', 'music', 'sound', 'event F1', 'WER', 'length', 'silent'] as const;
const DRAWN = ['kinds', 'event F1', 'WER'];

function guidance(results: ReadonlyMap<string, Result>): Section {
  const title = 'Guidance scale of the shipped model';
  const found = [...results.values()].filter(({ id }) => id.startsWith('guidance-'));
  if (found.length === 0) return { name: 'guidance', title, markdown: NOT_RUN };
  const bySeed = (scale: number, measure: string): Map<number, number> => {
    const values = found.flatMap(({ id, seed, measures }) => {
      const value = id === guidanceId(scale, seed) ? measures[measure] : null;
      return typeof value === 'number' ? [[seed, value] as const] : [];
    });
    return new Map(values);
  };
  const lines = GUIDANCE_SCALES.map((scale) => {
    const cells = GUIDED.map((measure) => {
      const values = bySeed(scale, measure);
      const { mean, verdict } = pairedDifference(bySeed(GUIDANCE_SCALES[0], measure), values);
      const apart = scale !== GUIDANCE_SCALES[0] && (verdict === 'higher' || verdict === 'lower');
      return spreadText([...values.values()], true) + (apart ? ` (**${signed(mean, true)}**)` : '');
    });
    return `| ${[scale, ...cells].join(' | ')} |`;
  });
  const reference = results.get(REFERENCE);
  const beside = (['recordings', 'coded'] as const).map((what) => {
    const cells = GUIDED.map((measure) => {
      const value = reference?.measures[`guidance, ${what}: ${measure}`];
      return typeof value === 'number' ? spreadText([value], true) : '';
    });
    return `| ${[`the ${what === 'coded' ? 'recordings through the codec' : what}`, ...cells].join(' | ')} |`;
  });
  const markdown = [
    'In brackets: difference to scale 1 where it is not noise. WER by PocketSphinx, of requests for speech alone.',
    '',
    `| scale | ${GUIDED.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(GUIDED.length)}`,
    ...lines,
    ...(reference ? beside : []),
  ].join('\n');
  const values = GUIDANCE_SCALES.flatMap((scale) =>
    DRAWN.flatMap((measure) => [...bySeed(scale, measure)].map(([seed, value]) => ({ scale, measure, value, seed }))),
  );
  return { name: 'guidance', title, markdown, picture: guidanceCurves(values) };
}

function scaling(results: ReadonlyMap<string, Result>): Section {
  const title = 'Loss against compute';
  const report = scalingReport(results);
  if (!report) return { name: 'scaling', title, markdown: NOT_RUN };
  return { name: 'scaling', title, markdown: report.markdown, picture: scalingCurves(report.cells, report.fit) };
}

/** Puts the generated part between the markers. @throws BagpiperError where they are not there, once each and in order */
export function withResults(document: string, generated: string, file: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  const once = (marker: string): boolean => document.split(marker).length === 2;
  if (!once(BEGIN) || !once(END) || end < begin) {
    throw new BagpiperError(`${file} must hold the lines ${BEGIN} and ${END}, once each and in this order.`);
  }
  return `${document.slice(0, begin + BEGIN.length)}\n\n${generated}\n\n${document.slice(end)}`;
}

/**
 * Writes tables and pictures.
 *
 * @param file Markdown file with both markers; the pictures lie in a folder of its name beside it
 * @returns the files that were written
 */
export async function writeReport(results: readonly Result[], file: string): Promise<string[]> {
  if (!existsSync(file)) throw new BagpiperError(`${file} does not exist; name a Markdown file with both markers.`);
  const name = basename(file, extname(file));
  const { markdown, sections } = reportText(results, name);
  const text = withResults(readFileSync(file, 'utf8'), markdown, file);
  const folder = join(dirname(file), name);
  const written: string[] = [];
  const write = (path: string, content: string): void => {
    writeAtomically(path, (append) => append(new TextEncoder().encode(content)));
    written.push(path);
  };
  for (const { name: picture, picture: spec } of sections) {
    if (!spec) continue;
    mkdirSync(folder, { recursive: true });
    write(join(folder, `${picture}.svg`), await drawSvg(spec));
  }
  write(file, text);
  return written;
}
