import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reportOn } from '../../src/corpus/report.js';
import { ngramCounts, openings, spread, tokens } from '../../src/corpus/text-statistics.js';
import { makeWords } from '../../src/corpus/words/index.js';
import { factSpans, surfaceForm } from '../../src/corpus/words/surface-form.js';
import { Random } from '../../src/random.js';
import { randomScene } from './random-scene.js';

describe('text statistics', () => {
  it('cut text into words and count n-grams within a text only', () => {
    expect(tokens('At about 2.5 seconds, a 3-second clip: "Don\'t!"')).toEqual([
      'at',
      'about',
      '2.5',
      'seconds',
      'a',
      '3-second',
      'clip',
      "don't",
    ]);
    const texts = [tokens('a b a b'), tokens('b a')];
    expect(ngramCounts(texts, 3)).toEqual([
      { n: 1, total: 6, distinct: 2 },
      { n: 2, total: 4, distinct: 2 },
      { n: 3, total: 2, distinct: 2 },
    ]);
  });

  it('measure spread and openings', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    expect(spread(hundred)).toEqual({ mean: 50.5, p5: 6, p50: 51, p95: 96, most: 100 });
    const texts = ['so it is', 'so it was', 'no'].map(tokens);
    expect(openings(texts, 2, 5)).toEqual([
      { text: 'so it', share: 2 / 3 },
      { text: 'no', share: 1 / 3 },
    ]);
  });

  it('take the facts out of a caption and leave its form', () => {
    const form = 'A NUMBER recording. PERSON with ACCENT says: QUOTE At about NUMBER, EVENT.';
    const texts = [
      'A 5-second recording. An old man with a British accent says: "A dog barks." At about 2.5 seconds, a dog barks.',
      'A 9-second recording. A girl with an Irish accent says: "No!" At about 1 second, we hear dripping water.',
    ];
    expect(surfaceForm(texts[0]!)).toBe(form);
    expect(surfaceForm(texts[1]!)).toBe(form.replace('EVENT', 'we hear EVENT'));
    expect(surfaceForm('A slow, sad tune in D minor on a piano and a harp.')).toBe(
      surfaceForm('A quick, happy tune in B flat major on an organ.'),
    );
  });
});

describe('factSpans', () => {
  const found = (text: string) =>
    factSpans(text)
      .sort((a, b) => a.from - b.from)
      .map(({ from, to }) => text.slice(from, to));

  it('finds every fact once where it stands, without the word that says that there is one', () => {
    const text =
      'In this 5-second clip we hear speech with music. An old man says at about 2.5 seconds: "A dog barks." ' +
      'A dog barks close by. A harp plays a slow, sad tune in D minor.';
    const facts = [
      '5-second',
      'old man',
      '2.5 seconds',
      '"A dog barks."',
      'dog barks',
      'harp',
      'slow',
      'sad',
      'D minor',
    ];
    expect(found(text)).toEqual(facts);
    const quoted = factSpans(text).filter(({ quoted }) => quoted);
    expect(quoted.map(({ from, to }) => text.slice(from, to))).toEqual(['"A dog barks."']);
  });

  it('takes what is listed apart, so that how much there is weighs no more than how little', () => {
    expect(found('A piano and an acoustic guitar play music. Thunder rolls.')).toEqual([
      'piano',
      'acoustic guitar',
      'rolls',
    ]);
    expect(found('Strings play music. He says nothing.')).toEqual([]);
  });
});

describe('report', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'corpus-report-'));
    const random = new Random('report');
    const line = () => {
      const scene = { ...randomScene(random), seconds: 6 };
      return JSON.stringify({ scene, audio: '', ...makeWords(scene, random) });
    };
    for (const shard of ['shard-00000', 'shard-00001']) {
      await mkdir(join(folder, shard));
      await writeFile(join(folder, shard, 'records.jsonl'), `${line()}\n${line()}\n${line()}\n`);
    }
    // an unfinished shard has no records yet
    await mkdir(join(folder, 'shard-00002'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('tells hours, combinations and the variety of every sort of text', async () => {
    const text = await reportOn(folder);
    expect(text).toMatch(/^6 scenes, 0\.01 hours\n/);
    for (const name of ['captions', 'questions', 'question thinking', 'requests', 'request thinking'])
      expect(text).toContain(`\n${name} `);
    expect(text).toMatch(/captions +6 /);
    expect(text).toMatch(/requests +12 /);
    expect(text.match(/^caption: /gm)?.length).toBe(4);
  });

  it('can draw the words afresh', async () => {
    expect(await reportOn(folder, { draws: 3 })).toMatch(/captions +18 /);
  });

  it('refuses a folder without a corpus', async () => {
    await expect(reportOn(join(folder, 'nothing'))).rejects.toThrow(/holds no finished corpus shards/);
  });
});
