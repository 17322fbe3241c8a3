/**
 * The filters of captions: how many a second one core reads, judges and compares, beside JSON.parse alone; and what memory
 * and disk a long stream takes.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuplicateFinder } from '../src/data/filter/duplicates.js';
import { decide } from '../src/data/filter/filter.js';
import { type LabelLine, readLabel } from '../src/data/filter/records.js';
import { Scanner } from '../src/data/filter/scan.js';
import { defaultSettings } from '../src/data/filter/settings.js';
import { TextFilter } from '../src/data/filter/text-pass.js';
import { Random } from '../src/random.js';
import { type Row, row } from './measure.js';

const TARGET = 20_000;
/** Different captions that streams are made of, and how many of a round are timed. */
const TEXTS = 512;
const ROUND = 8192;

export interface FilterBenchOptions {
  /** of the long stream */
  records: number;
  runs: number;
  progress: (message: string) => void;
}

export async function filters({
  records,
  runs,
  progress,
}: FilterBenchOptions): Promise<{ rows: Row[]; notes: string[] }> {
  const lines = labelLinesOf(TEXTS);
  const rows = rates(lines, runs, progress);
  const { row: stream, note } = await longStream(lines, records, progress);
  const size = lines.reduce((sum, { bytes }) => sum + bytes.length, 0) / lines.length;
  const notes = [
    `Label lines of ${Math.round(size)} bytes on average, captions of 1,300 to 4,000 characters made of the sentences of published ones. Rates are per second of one core's time.`,
    note,
  ];
  return { rows: [...rows, ...stream], notes };
}

/** Labels whose captions are sentences of real ones in other orders, with some words changed. */
function labelLinesOf(count: number): LabelLine[] {
  const files = ['generation', 'understanding'].map(
    (name) => new URL(`../test/fixtures/captions/${name}.jsonl`, import.meta.url),
  );
  const captions = files.flatMap((file) =>
    readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { caption: string }).caption),
  );
  const sentences = captions.flatMap((caption) => caption.split(/(?<=\.)\s+/));
  const random = new Random('bench filters');
  return Array.from({ length: count }, (_, index) => {
    const target = random.range(1300, 3800);
    let caption = '';
    for (const sentence of random.shuffle(sentences)) {
      caption += `${caption === '' ? '' : random.chance(0.15) ? '\n\n' : ' '}${sentence}`;
      if (caption.length > target) break;
    }
    const tokens = Math.min(800, Math.round(caption.length / 4.9));
    const usage = { prompt_tokens: 140, completion_tokens: tokens, total_tokens: tokens + 140 };
    const id = `00000000-${String(index).padStart(12, '0')}`;
    const label = {
      id,
      caption: caption.slice(0, 4000),
      duration: random.range(2, 30),
      usage,
      finish_reason: 'stop',
      model: 'captioner',
    };
    return { index, bytes: Buffer.from(JSON.stringify({ id, result: label })), place: `line ${index + 1}` };
  });
}

function rates(lines: readonly LabelLine[], runs: number, progress: (message: string) => void): Row[] {
  const settings = defaultSettings();
  const filter = new TextFilter(settings);
  const scanner = new Scanner();
  const labels = lines.map((line) => readLabel(line).label);
  const folder = mkdtempSync(join(tmpdir(), 'bagpiper-bench-'));
  const finder = new DuplicateFinder(join(folder, 'spool'), { words: 13, similarity: 0.8 });
  const works: Record<string, (i: number) => void> = {
    'JSON.parse alone': (i) => void JSON.parse(lines[i].bytes.toString()),
    'text filters': (i) => void filter.judge(labels[i]),
    'text filters, line read': (i) => void filter.judge(readLabel(lines[i]).label),
    'text filters, line read, MinHash': (i) => {
      if (!filter.judge(readLabel(lines[i]).label).reason) finder.add(filter.scanner.comparable());
    },
    'MinHash with its word hashes': (i) => {
      scanner.measure(labels[i].caption);
      finder.add(scanner.comparable());
    },
  };
  const seconds = new Map<string, number[]>();
  // In turn, so that what else the machine does meets all alike; the first round is for the compiler.
  for (let run = 0; run <= runs; run++) {
    progress(`round ${run} of ${runs}`);
    for (const [name, work] of Object.entries(works)) {
      const began = process.cpuUsage().user;
      for (let i = 0; i < ROUND; i++) work(i % lines.length);
      const rate = ROUND / ((process.cpuUsage().user - began) / 1e6);
      if (run > 0) seconds.set(name, [...(seconds.get(name) ?? []), rate]);
    }
  }
  finder.close();
  rmSync(folder, { recursive: true });
  const base = seconds.get('JSON.parse alone')!.toSorted((a, b) => a - b)[runs >> 1];
  return [...seconds].map(([name, values]) =>
    row(name, 'captions/s', values, {
      ...(name === 'JSON.parse alone' ? {} : { baseline: { name: 'JSON.parse', value: base } }),
      ...(!name.includes('MinHash') && name.startsWith('text filters')
        ? { target: { text: `${TARGET.toLocaleString('en-US')} a core`, met: (rate: number) => rate >= TARGET } }
        : {}),
    }),
  );
}

/** Captions that near-duplicates are made of. */
const MODELS = 64;
/** Words of a caption of the long stream: what memory holds of a caption does not depend on its length. */
const SHORT = 60;

/** Decides on a stream of any length: all captions are different but for a tenth, near-duplicates of one of the first. */
async function longStream(
  base: readonly LabelLine[],
  records: number,
  progress: (message: string) => void,
): Promise<{ row: Row[]; note: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'bagpiper-bench-'));
  const words = base.map((line) => readLabel(line).label.caption.split(/\s+/).slice(0, SHORT));
  let planted = 0;
  let peak = 0;
  let disk = 0;
  const before = process.memoryUsage.rss();
  const look = (): void => {
    peak = Math.max(peak, process.memoryUsage.rss() - before);
    const spool = join(folder, 'filter', 'temporary');
    if (!existsSync(spool)) return;
    disk = Math.max(
      disk,
      readdirSync(spool).reduce((sum, name) => sum + statSync(join(spool, name)).size, 0),
    );
  };
  async function* stream(): AsyncGenerator<LabelLine[]> {
    const random = new Random('bench stream');
    let batch: LabelLine[] = [];
    for (let index = 0; index < records; index++) {
      const isNear = random.chance(0.1);
      const text = isNear ? near(words[index % MODELS], random) : other(words, random);
      if (isNear) planted++;
      batch.push({ index, bytes: Buffer.from(lineOf(text, index)), place: `record ${index}` });
      if (batch.length < 500 && index < records - 1) continue;
      yield batch;
      batch = [];
      if (index % 50_000 < 500) {
        look();
        progress(
          `${index + 1} records, ${Math.round(peak / 1e6)} MB more memory, ${Math.round(disk / 1e6)} MB on disk`,
        );
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const began = process.cpuUsage().user;
  const sampler = setInterval(look, 500);
  try {
    const decided = await decide({ labels: stream, folder, settings: defaultSettings() });
    look();
    const seconds = (process.cpuUsage().user - began) / 1e6;
    const removed = decided.verdicts.counts().map(({ kind, count }) => `${kind} ${count.toLocaleString('en-US')}`);
    const count = records.toLocaleString('en-US');
    return {
      row: [
        row(`stream of ${count}: memory added at most`, 'MB', [peak / 1e6]),
        row(`stream of ${count}: the same a record`, 'bytes', [peak / records]),
        row(`stream of ${count}: temporary files`, 'MB', [disk / 1e6]),
        row(`stream of ${count}: with making the captions`, 'captions/s', [records / seconds]),
      ],
      note: `Captions of the stream have ${SHORT} words. ${planted.toLocaleString('en-US')} are near-duplicates of ${MODELS}, so all but ${MODELS} of these should go; removed were: ${removed.join(', ')}.`,
    };
  } finally {
    clearInterval(sampler);
    rmSync(folder, { recursive: true, force: true });
  }
}

function lineOf(caption: string, index: number): string {
  const id = `00000001-${String(index).padStart(12, '0')}`;
  const usage = { prompt_tokens: 140, completion_tokens: 300, total_tokens: 440 };
  return JSON.stringify({
    id,
    result: { id, caption, duration: 10, usage, finish_reason: 'stop', model: 'captioner' },
  });
}

/** One of the first captions with its last word changed. */
function near(words: readonly string[], random: Random): string {
  return [...words.slice(0, -1), `w${random.int(1e6)}`].join(' ');
}

/** A caption that is like no other: a word in six is another, which leaves hardly a 13-gram whole. */
function other(texts: readonly string[][], random: Random): string {
  const copy = random.pick(texts).slice();
  for (let i = 3; i < copy.length - 3; i += 6)
    if (/^[a-z]+$/.test(copy[i])) copy[i] = `w${random.int(1e6).toString(36)}`;
  return copy.join(' ');
}
