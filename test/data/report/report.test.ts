import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readAudio } from '../../../src/audio/index.js';
import { bars, histogram } from '../../../src/data/report/charts.js';
import { writeReport } from '../../../src/data/report/index.js';
import { roundWidth, Tables } from '../../../src/data/report/tables.js';
import { Run } from '../../../src/data/run/index.js';
import { withDuckDB } from '../../../src/data/source/index.js';
import { bagpiper } from '../../cli/terminal.js';
import { type MadeRun, madeRun } from './made-run.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-report-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Opening tags of a page as they are written. */
const tagsIn = (page: string): string[] => page.match(/<[a-z][^>]*>/gi) ?? [];
const TAGS = [
  ...['html', 'head', 'meta', 'title', 'style', 'body', 'main', 'section', 'article', 'div', 'footer'],
  ...['h1', 'h2', 'h3', 'p', 'span', 'b', 'br', 'code', 'details', 'summary', 'img', 'audio'],
  ...['table', 'thead', 'tbody', 'tfoot', 'tr', 'th', 'td', 'svg', 'rect', 'line', 'text'],
];
const VOID = ['meta', 'br', 'img'];

describe('the page of a whole run', () => {
  let made: MadeRun;
  let page: string;
  beforeAll(async () => {
    made = await madeRun(join(folder, 'whole'), 18);
    page = readFileSync(await writeReport(made.folder, { samples: 30, megabytes: 100 }), 'utf8');
  });

  it('loads nothing and runs nothing', () => {
    expect(page).toContain('content="default-src &#39;none&#39;'.replaceAll('&#39;', "'"));
    for (const tag of tagsIn(page)) {
      expect(TAGS).toContain(/^<([a-z0-9]+)/i.exec(tag)?.[1]);
      expect(tag.replace(/"[^"]*"/g, '""')).not.toMatch(/\son[a-z]+\s*=|\shref\s*=/i);
      const source = /\ssrc="([^"]*)"/.exec(tag)?.[1];
      if (source !== undefined) expect(source).toMatch(/^data:(image\/png|audio\/flac);base64,[A-Za-z0-9+/=]+$/);
    }
    expect(page).not.toMatch(/url\(|@import/);
  });

  it('closes every tag that it opens', () => {
    const open: string[] = [];
    for (const [tag, slash, name] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)[^>]*>/gi)) {
      if (slash) expect(name).toBe(open.pop());
      else if (!VOID.includes(name) && !tag.endsWith('/>')) open.push(name);
    }
    expect(open).toEqual([]);
  });

  it('shows hostile texts as texts', () => {
    expect(page).toContain('&#60;script&#62;alert(1)&#60;/script&#62;');
    expect(page).toContain('&#60;img src=x onerror=&#34;alert(2)&#34;&#62;');
    expect(page).toContain('&#60;/style&#62;&#60;/main&#62;&#60;iframe');
    expect(page).toContain('<h1>street [1] &#60;b&#62;&#38;</h1>');
    expect(page).not.toContain('\u202e');
    expect(page).not.toContain('\u0007');
    expect(page).toContain('and &#38;amp; as it is');
  });

  it('counts what is in the run', () => {
    // 18 clips: every ninth has no label, every seventh of all is set aside where it has one
    const stage = (name: string): string[] => {
      const row = new RegExp(`<tr><th scope="row">${name}[\\s\\S]*?</tr>`).exec(page)?.[0] ?? '';
      return [...row.matchAll(/<td class="number"[^>]*>([^<]*)</g)].map(([, text]) => text);
    };
    expect(stage('clips').slice(0, 3)).toEqual(['18', '0', '0']);
    expect(stage('label').slice(0, 3)).toEqual(['16', '0', '2']);
    expect(stage('filter').slice(0, 3)).toEqual(['14', '2', '0']);
    expect(stage('generation-judged').slice(0, 3)).toEqual(['9', '0', '0']);
    expect(page).toContain('title="timeout">timeout</th><td class="number">2</td>');
  });

  it('carries the sounds and their pictures', async () => {
    const sounds = [...page.matchAll(/src="data:audio\/flac;base64,([^"]+)"/g)].map(([, text]) => text);
    expect(sounds).toHaveLength(18);
    expect(page.match(/src="data:image\/png/g)).toHaveLength(18);
    const path = join(folder, 'one.flac');
    writeFileSync(path, Buffer.from(sounds[0], 'base64'));
    const { sampleRate, channels } = await readAudio(path);
    expect(sampleRate).toBe(16000);
    const lengths = await Promise.all(
      made.clips.map(async ({ audio }) => (await readAudio(audio.uri)).channels[0].length),
    );
    expect(lengths).toContain(channels[0].length);
  });

  it('is the same again, and another with another seed', async () => {
    const again = readFileSync(await writeReport(made.folder, { samples: 30, megabytes: 100 }), 'utf8');
    expect(again === page).toBe(true);
    const few = async (seed: number): Promise<string[]> => {
      const path = await writeReport(made.folder, { out: join(folder, 'few.html'), samples: 3, seed, megabytes: 0 });
      return [...readFileSync(path, 'utf8').matchAll(/<h3>(clip-\d+)/g)].map(([, id]) => id);
    };
    expect(await few(0)).toHaveLength(3);
    expect(await few(0)).toEqual(await few(0));
    expect(await few(0)).not.toEqual(await few(1));
  });

  it('keeps to its size, and says what is left out', async () => {
    const path = await writeReport(made.folder, { out: join(folder, 'small.html'), samples: 8, megabytes: 1 });
    const small = readFileSync(path, 'utf8');
    expect(small.length).toBeLessThan(1.2e6);
    expect(small).toContain('data:audio/flac');
    expect(small).toContain('as the page has reached its size');
  });
});

describe('the page of a run that is not whole', () => {
  it('is there from the beginning on', async () => {
    const run = await Run.open(join(folder, 'empty'), { create: true });
    const page = readFileSync(await writeReport(run.folder), 'utf8');
    await run.close();
    expect(page).toContain('<h1>empty</h1>');
  });

  it('leaves out a line that is being written, and says which sounds cannot be read', async () => {
    const { folder: run, clips } = await madeRun(join(folder, 'torn'), 12);
    appendFileSync(join(run, 'clips.jsonl'), '{"id":"clip-x","result":{"id":"clip-x","aud');
    rmSync(clips[3].audio.uri);
    const page = readFileSync(await writeReport(run, { samples: 50 }), 'utf8');
    expect(page).not.toContain('clip-x');
    expect(page.match(/data:audio/g)).toHaveLength(11);
    expect(page).toContain('3.wav: there is no such file');
  });
});

describe('a histogram of a column', () => {
  it('counts in buckets of round widths', async () => {
    const path = join(folder, 'numbers');
    mkdirSync(path);
    const values = [0.3, 0.6, 0.7, 1, 2.99, 3, 'x', null];
    const line = (v: unknown, i: number): string =>
      JSON.stringify({ id: `${i}`, result: { id: `${i}`, v, t: 'x'.repeat(i), ...(i > 2 && { w: 'late' }) } });
    writeFileSync(join(path, 'label.jsonl'), `${values.map(line).join('\n')}\n{"id":"e","error":{"kind":"k"}}\n`);
    const found = await withDuckDB('Tests', (connection) =>
      new Tables(connection, path).distributions(
        'label',
        [
          { path: '$.v', least: 0.1, most: 10, unit: 'things' },
          { path: '$.t', least: 2, unit: 'characters', length: true },
        ],
        ['$.w'],
      ),
    );
    // (3 - 0.3) / 10 is rounded up to 0.5
    expect(found.numbers[0].sum).toBeCloseTo(8.59, 9);
    expect(found.words).toEqual([
      new Map([
        ['', 3],
        ['late', 5],
      ]),
    ]);
    expect(found.numbers[1].histogram?.buckets).toEqual([0, 2, 4, 6].map((from) => ({ from, count: 2 })));
    expect(found.numbers[0].histogram).toEqual({
      width: 0.5,
      unit: 'things',
      buckets: [
        { from: 0, count: 1 },
        { from: 0.5, count: 2 },
        { from: 1, count: 1 },
        { from: 2.5, count: 1 },
        { from: 3, count: 1 },
      ],
    });
  });

  it.each([
    [0.07, 0, 0.1],
    [0.1, 0, 0.1],
    [3, 0, 5],
    [17, 0, 20],
    [501, 0, 1000],
    [0, 0.2, 0.2],
    [0, 0, 1],
  ])('%d, at least %d: width %d', (rough, least, width) => expect(roundWidth(rough, least)).toBe(width));
});

describe('charts', () => {
  it('draws a bar of a bucket as high as its count', () => {
    const buckets = [
      { from: 0, count: 100 },
      { from: 1, count: 25 },
    ];
    const heights = [
      ...histogram({ width: 1, unit: 'x', buckets }).markup.matchAll(/class="bar"[^>]*height="([\d.]+)"/g),
    ];
    const [whole, quarter] = heights.map(([, height]) => Number(height));
    expect(quarter / whole).toBeCloseTo(0.25, 2);
    expect(bars([{ name: '<a>', count: 1 }]).markup).toContain('&#60;a&#62;');
  });
});

describe('bagpiper data report', () => {
  it('writes into the run, and says where', async () => {
    const { folder: run } = await madeRun(join(folder, 'typed'), 3);
    const { code, out } = await bagpiper(['data', 'report', run, '--samples', '1']);
    expect(code).toBe(0);
    expect(out.trim().endsWith('report.html')).toBe(true);
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toContain('</html>');
  });

  it.each([
    [['data', 'report', '/nowhere'], 'is no run'],
    [['data', 'report', '/nowhere', '-o', '/tmp/x.png'], 'a file name ending in .html'],
    [['data', 'report', '/nowhere', '--samples', '-1'], 'number of samples is -1'],
  ])('complains: %j', async (argv, words) => {
    const { code, err } = await bagpiper(argv);
    expect(code).toBe(2);
    expect(err).toContain(words);
  });
});
