/** What a corpus folder holds, as a text report: hours, combinations, how varied its texts are, samples. */
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BagpiperError } from '../errors.js';
import { Random } from '../random.js';
import type { CorpusRecord } from './scene.js';
import { ngramCounts, openings, spread, tokens } from './text-statistics.js';
import { makeWords } from './words/index.js';
import { surfaceForm } from './words/surface-form.js';

/** What to report on. */
export interface ReportOptions {
  /** words drawn afresh for every scene, as in training; 0 (the default) takes the texts of the records */
  draws?: number;
  /** records shown in full at the end (default 4) */
  samples?: number;
}

/** The finished records of a corpus folder, in order. @throws BagpiperError when there are none */
export async function readRecords(folder: string): Promise<CorpusRecord[]> {
  const shards = (await readdir(folder).catch(() => [])).filter((name) => /^shard-\d{5}$/.test(name)).sort();
  const records: CorpusRecord[] = [];
  for (const shard of shards) {
    const path = join(folder, shard, 'records.jsonl');
    if (!existsSync(path)) continue;
    for (const line of (await readFile(path, 'utf8')).split('\n')) {
      if (line) records.push(JSON.parse(line) as CorpusRecord);
    }
  }
  if (records.length === 0) {
    throw new BagpiperError(`${folder} holds no finished corpus shards; give a folder that "npm run corpus" wrote`);
  }
  return records;
}

/** The report on a corpus folder. @throws BagpiperError when the folder holds no corpus */
export async function reportOn(folder: string, options: ReportOptions = {}): Promise<string> {
  const records = await readRecords(folder);
  const { draws = 0, samples = 4 } = options;
  const worded = draws > 0 ? records.flatMap((record) => reworded(record, draws)) : records;
  const texts = textsOf(worded);
  const source =
    draws > 0 ? `${draws} wording(s) of each scene drawn by this program` : 'texts as stored in the records';
  return [
    scenesPart(records),
    `Texts (${source})`,
    statisticsPart(texts),
    openingsPart(texts),
    samplesPart(worded, samples),
  ].join('\n\n');
}

/** The first draw is what the builder writes today; the others are unrelated to it. */
function reworded(record: CorpusRecord, draws: number): CorpusRecord[] {
  const { scene, audio } = record;
  return Array.from({ length: draws }, (_, i) => ({
    scene,
    audio,
    ...makeWords(scene, new Random(`${scene.seed}/words${i === 0 ? '' : `/${i}`}`)),
  }));
}

function textsOf(records: readonly CorpusRecord[]): Record<string, string[]> {
  const asked = records.flatMap((r) => r.questions);
  const wished = records.flatMap((r) => r.requests);
  return {
    captions: records.map((r) => r.caption),
    questions: asked.map((q) => q.text.split(' (A) ')[0] as string),
    'question thinking': asked.map((q) => q.thinking),
    requests: wished.map((r) => r.text),
    'request thinking': wished.map((r) => r.thinking),
  };
}

/** Hours, and how often each combination of speech, music and sound occurs. */
function scenesPart(records: readonly CorpusRecord[]): string {
  const counts = new Map<string, { scenes: number; seconds: number }>();
  for (const { scene } of records) {
    const sound = scene.events.length > 0 || scene.ambience !== null;
    const kinds = [scene.speech.length > 0 && 'speech', scene.music && 'music', sound && 'sound'].filter(Boolean);
    const name = kinds.join(' + ') || 'silence';
    const count = counts.get(name) ?? { scenes: 0, seconds: 0 };
    counts.set(name, { scenes: count.scenes + 1, seconds: count.seconds + scene.seconds });
  }
  const seconds = spread(records.map((r) => r.scene.seconds));
  const rows = [...counts]
    .sort((a, b) => b[1].scenes - a[1].scenes)
    .map(([name, c]) => [name, `${c.scenes}`, percent(c.scenes / records.length), (c.seconds / 3600).toFixed(2)]);
  return [
    `${records.length} scenes, ${((seconds.mean * records.length) / 3600).toFixed(2)} hours`,
    `seconds a scene: mean ${seconds.mean.toFixed(2)}, median ${seconds.p50}, 5% ${seconds.p5}, 95% ${seconds.p95}`,
    '',
    table(['combination', 'scenes', 'share', 'hours'], rows),
  ].join('\n');
}

/** Sizes, lengths, distinct n-grams and surface forms of each sort of text. */
function statisticsPart(texts: Readonly<Record<string, readonly string[]>>): string {
  const rows = Object.entries(texts).map(([name, list]) => {
    const lists = list.map(tokens);
    const length = spread(lists.map((words) => words.length));
    const forms = new Set(list.map(surfaceForm)).size;
    return [
      name,
      `${list.length}`,
      length.mean.toFixed(1),
      `${length.p5}/${length.p50}/${length.p95}`,
      ...ngramCounts(lists, 4).map((c) => `${c.distinct} (${percent(c.distinct / Math.max(1, c.total))})`),
      `${forms} (${percent(forms / list.length)})`,
    ];
  });
  const head = ['text', 'count', 'words', '5/50/95%', '1-grams', '2-grams', '3-grams', '4-grams', 'surface forms'];
  return `Distinct n-grams with their share of all n-grams; surface forms are texts without their facts.\n${table(head, rows)}`;
}

function openingsPart(texts: Readonly<Record<string, readonly string[]>>): string {
  const blocks = Object.entries(texts).map(([name, list]) => {
    const top = openings(list.map(tokens), 4, 6).map(({ text, share }) => `  ${percent(share).padStart(6)}  ${text}`);
    return `${name}:\n${top.join('\n')}`;
  });
  return `Most frequent openings (4 words)\n${blocks.join('\n')}`;
}

/** Records spread evenly over the corpus. */
function samplesPart(records: readonly CorpusRecord[], count: number): string {
  const step = records.length / Math.max(1, count);
  const chosen = Array.from(
    { length: Math.min(count, records.length) },
    (_, i) => records[Math.floor((i + 0.5) * step)],
  );
  const shown = chosen.map((record) => {
    const { scene, caption, questions, requests } = record as CorpusRecord;
    return [
      `[${scene.id}]`,
      `caption: ${caption}`,
      ...questions.slice(0, 3).map((q) => `question: ${q.text}\n  thinking: ${q.thinking}\n  answer: ${q.answer}`),
      ...requests.map((r) => `request (${r.style}): ${r.text}\n  ${r.thinking.replaceAll('\n', '\n  ')}`),
    ].join('\n');
  });
  return `Samples\n${shown.join('\n\n')}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)}%`;
}

/** Columns padded to their widest cell, the first to the left, the others to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => (row[i] as string).length)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}
