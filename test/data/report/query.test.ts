import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queryRun } from '../../../src/data/report/index.js';
import type { JsonObject } from '../../../src/json.js';
import { bagpiper } from '../../cli/terminal.js';
import { type MadeRun, madeRun } from './made-run.js';

let folder: string;
let made: MadeRun;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-query-'));
  made = await madeRun(folder, 18);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function ask(sql: string, signal?: AbortSignal): Promise<JsonObject[]> {
  const all: JsonObject[] = [];
  for await (const rows of queryRun(made.folder, sql, signal ? { signal } : {})) all.push(...rows);
  return all;
}

describe('a run that is asked in SQL', () => {
  it('has a table a stage', async () => {
    expect((await ask('SHOW TABLES')).map(({ name }) => name)).toEqual(
      ['clips', 'filter', 'generation_dialogues', 'generation_judged', 'label'].sort(),
    );
    expect((await ask('DESCRIBE label')).map(({ column_name }) => column_name)).toEqual(
      'id state kind message result usage'.split(' '),
    );
  });

  it('counts as the run was made, in numbers', async () => {
    expect(await ask('SELECT state, count(*) AS n FROM label GROUP BY 1 ORDER BY 1')).toEqual([
      { state: 'error', n: 2 },
      { state: 'result', n: 16 },
    ]);
    expect(await ask("SELECT sum((result->>'seconds')::DOUBLE) AS s FROM clips")).toEqual([
      {
        s: expect.closeTo(
          made.clips.reduce((sum, { seconds }) => sum + seconds, 0),
          6,
        ),
      },
    ]);
  });

  it('gives JSON as it is, and joins', async () => {
    const rows = await ask(
      `SELECT c.id, c.result FROM clips c JOIN filter f USING (id) WHERE f.state = 'result' ORDER BY c.id`,
    );
    expect(rows).toHaveLength(14);
    expect(rows[0].result).toEqual(made.clips.find(({ id }) => id === rows[0].id));
  });

  it.each([
    ['SELECT nope FROM label', 'Referenced column "nope" not found'],
    ['SELECT * FROM captions', 'Table with name captions does not exist'],
    ['SELCT 1', 'syntax error at or near "SELCT"'],
    ['SELECT 1 +', 'syntax error'],
    ["SELECT (result->>'caption')::INTEGER FROM label", 'Could not convert string'],
    ['SELECT $1', 'Values were not provided'],
    ['', 'The query is empty'],
    [' -- nothing\n;', 'The query is empty'],
    ['SELECT 1; SELECT 2', 'has 2 statements'],
    ['DROP VIEW label', 'is no SELECT but DROP'],
    ['CREATE TABLE t (n INTEGER)', 'is no SELECT but CREATE'],
    ["COPY label TO 'OUT'", 'is no SELECT but COPY'],
    ['SET threads = 1', 'is no SELECT but SET'],
    ["SELECT * FROM read_text('/etc/hostname')", 'file system operations are disabled'],
  ])('answers %j by a sentence', async (sql, words) => {
    const before = readdirSync(made.folder);
    const failed = ask(sql.replace('OUT', join(made.folder, 'out.csv')));
    await expect(failed).rejects.toMatchObject({ name: 'BagpiperError' });
    await expect(failed).rejects.toThrow(words);
    await failed.catch(({ message }: Error) => expect(message).not.toMatch(/\n|LINE \d/));
    expect(readdirSync(made.folder)).toEqual(before);
  });

  it('is left when the signal says so', async () => {
    const endless = 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE hash(a.range, b.range) = 3';
    // Whenever it comes: while tables are made, or while the query runs.
    for (const wait of [0, 5, 300]) {
      const stopped = new AbortController();
      setTimeout(() => stopped.abort(new Error(`stopped after ${wait}`)), wait);
      await expect(ask(endless, stopped.signal)).rejects.toThrow(`stopped after ${wait}`);
    }
    await expect(ask('SELECT 1', AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
  });
});

describe('bagpiper data query', () => {
  const query = (...argv: string[]) => bagpiper(['data', 'query', made.folder, ...argv]);

  it('prints a table', async () => {
    const { out, code } = await query('SELECT state, count(*) AS n, NULL AS nothing FROM label GROUP BY 1 ORDER BY 1');
    expect(code).toBe(0);
    expect(out).toBe('state    n  nothing\n------  --  -------\nerror    2\nresult  16\n');
  });

  it('prints a line a row with --json', async () => {
    const { out } = await query('SELECT id, state FROM filter ORDER BY id LIMIT 2', '--json');
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(await ask('SELECT id, state FROM filter ORDER BY id LIMIT 2'));
  });

  it('keeps rows on their lines, and says what is not shown', async () => {
    const { out, err } = await query("SELECT range AS n, 'a\n\u001b[2J' || repeat('b', 100) AS t FROM range(1000)");
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(202);
    expect(lines[2]).toBe(`  0  a [2J${'b'.repeat(72)}...`);
    expect(err).toBe('These are the first 200 rows; --json shows all.\n');
    expect((await query('SELECT 1 WHERE false')).err).toBe('No rows.\n');
  });

  it('complains in a sentence', async () => {
    const { code, err } = await query('SELECT * FROM captions');
    expect(code).toBe(2);
    expect(err).toBe(
      'bagpiper: The query cannot be answered: Catalog Error: Table with name captions does not exist! Did you mean "clips"?; tables are clips, label, filter, generation_dialogues, generation_judged (docs/data-report.md).\n',
    );
    expect((await bagpiper(['data', 'query', '/nowhere', 'SELECT 1'])).err).toContain('is no run');
    expect(existsSync('.tmp')).toBe(false);
  });
});
