import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inputsOf, linesIn, manifestOf, type Progress, resultsIn, runStage } from '../../../src/data/run/index.js';
import { lineText } from '../../../src/data/run/lines.js';
import { type Line, RecordError, SetAside } from '../../../src/data/types.js';
import { BagpiperError } from '../../../src/errors.js';
import { Random } from '../../../src/random.js';
import { stageOf, temporary, upper, type Word, withRun, words } from './kit.js';

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const out: T[] = [];
  for await (const item of items) out.push(item);
  return out;
}

describe('a stage over its inputs', () => {
  it('leaves a line for each record in the order of the inputs, however they end', async () => {
    const folder = temporary();
    const random = new Random(1);
    const stage = stageOf(async (input) => {
      for (let turns = random.int(20); turns > 0; turns--) await later();
      if (input.id === 'w3') throw new SetAside({ kind: 'unwanted', message: 'It is a piano.' });
      if (input.id === 'w5') throw new RecordError({ kind: 'timeout', message: 'Nothing came.' });
      return upper(input);
    });
    const outcome = await withRun(folder, (run) => runStage(run, stage, inputsOf(words(40)), { window: 8 }));
    expect(outcome).toMatchObject({
      state: 'running',
      counts: { results: 38, aside: { unwanted: 1 }, errors: { timeout: 1 } },
    });
    const lines = await all(linesIn<Word>(join(folder, 'words.jsonl')));
    expect(lines.map(({ id }) => id)).toEqual(words(40).map(({ id }) => id));
    expect(lines[3]).toEqual({ id: 'w3', aside: { kind: 'unwanted', message: 'It is a piano.' } });
    expect(lines[5]).toEqual({ id: 'w5', error: { kind: 'timeout', message: 'Nothing came.' } });
    expect(lines[6]).toEqual({ id: 'w6', result: { id: 'w6', word: 'WIND 6' } });
    expect(manifestOf(folder).stages.words).toMatchObject({ state: 'running', counts: outcome.counts });
  });

  it('tries what failed once more at the end, and again when it is called again', async () => {
    const folder = temporary();
    const asked: string[] = [];
    let healthy = false;
    const stage = stageOf((input) => {
      asked.push(input.id);
      if (input.id === 'w0' && !healthy) throw new Error('not now');
      if (input.id === 'w1' && asked.length < 5) throw new RecordError({ kind: 'odd', message: 'Odd.' });
      return upper(input);
    });
    const go = () => withRun(folder, (run) => runStage(run, stage, inputsOf(words(5)), { window: 1 }));
    expect(await go()).toMatchObject({ state: 'running', counts: { results: 4, errors: { defect: 1 } } });
    expect(asked).toEqual(['w0', 'w1', 'w2', 'w3', 'w4', 'w0', 'w1']);
    healthy = true;
    expect(await go()).toMatchObject({ state: 'done', counts: { results: 5, errors: {} } });
    expect(asked.slice(7)).toEqual(['w0']);
    expect(await go()).toMatchObject({ state: 'done' });
    expect(asked.length).toBe(8);
  });

  it('goes on after a cut at any byte, and ends with the same bytes', async () => {
    const folder = temporary();
    const file = join(folder, 'words.jsonl');
    const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
    let done = 0;
    const stage = stageOf((input, { spend }) => {
      done++;
      spend(usage);
      if (input.id === 'w1') throw new SetAside({ kind: 'unwanted', message: 'A "quoted" word\nand a line.' });
      return upper(input);
    });
    const go = () => withRun(folder, (run) => runStage(run, stage, inputsOf(words(4)), { window: 3 }));
    await go();
    const whole = readFileSync(file);
    const starts = [0, ...[...whole.keys()].filter((at) => whole[at] === 10).map((at) => at + 1)];
    // Every byte around the ends of lines, where it matters, and some between.
    const near = (cut: number): boolean => starts.some((start) => Math.abs(start - cut) < 4);
    for (let cut = 0; cut <= whole.length; cut++) {
      if (!near(cut) && cut % 20 !== 0) continue;
      writeFileSync(file, whole.subarray(0, cut));
      done = 0;
      const { usage: spent } = await go();
      expect(done, `cut at ${cut}`).toBe(starts.filter((start) => start > cut).length);
      expect(readFileSync(file).equals(whole), `cut at ${cut}`).toBe(true);
      expect(spent.total_tokens).toBe(48);
    }
  });

  it('makes anew what a loss of power left as zeros', async () => {
    const folder = temporary();
    const file = join(folder, 'words.jsonl');
    const warnings: string[] = [];
    const go = () =>
      withRun(folder, (run) =>
        runStage(run, stageOf(upper), inputsOf(words(30)), { warn: (text) => warnings.push(text) }),
      );
    await go();
    const whole = readFileSync(file);
    const torn = Buffer.from(whole);
    torn.fill(0, 500, 700);
    writeFileSync(file, torn);
    await go();
    expect(readFileSync(file).equals(whole)).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/damaged lines were left out; they are made anew/)]);
  });

  it('looks at the first inputs only where it is told, and takes up what comes later', async () => {
    const folder = temporary();
    const file = join(folder, 'words.jsonl');
    const asked: string[] = [];
    const stage = stageOf((input) => {
      asked.push(input.id);
      return upper(input);
    });
    const go = (count: number, limit?: number) =>
      withRun(folder, (run) => runStage(run, stage, inputsOf(words(count)), limit === undefined ? {} : { limit }));
    expect((await go(10, 4)).state).toBe('running');
    await go(10, 4);
    expect(asked).toEqual(['w0', 'w1', 'w2', 'w3']);
    expect((await go(10)).state).toBe('done');
    expect((await go(12)).counts.results).toBe(12);
    expect(asked.length).toBe(12);
    const grown = readFileSync(file, 'utf8');
    rmSync(file);
    await go(12);
    expect(readFileSync(file, 'utf8')).toBe(grown);
  });

  it('leaves out records whose id another has, and says so once', async () => {
    const folder = temporary();
    const warnings: string[] = [];
    const inputs = [...words(3), { id: 'w1', word: 'another' }, { id: 'w2', word: 'another' }];
    const outcome = await withRun(folder, (run) =>
      runStage(run, stageOf(upper), inputsOf(inputs), { warn: (text) => warnings.push(text) }),
    );
    expect(outcome).toMatchObject({ state: 'done', duplicates: 2, counts: { results: 3 } });
    expect(warnings).toEqual(['2 records were left out since others have their ids (first: w1).']);
  });

  it('ends early when asked to, keeps what was done, and goes on', async () => {
    const folder = temporary();
    const stop = new AbortController();
    let asked = 0;
    const stage = stageOf(async (input, { signal }) => {
      if (++asked === 20) stop.abort(new Error('stopped by SIGINT'));
      await later();
      signal.throwIfAborted();
      return upper(input);
    });
    const go = (signal?: AbortSignal) =>
      withRun(folder, (run) => runStage(run, stage, inputsOf(words(50)), { window: 4, ...(signal && { signal }) }));
    await expect(go(stop.signal)).rejects.toThrow('stopped by SIGINT');
    const { counts } = manifestOf(folder).stages.words;
    expect(counts.results).toBe(readFileSync(join(folder, 'words.jsonl'), 'utf8').split('\n').length - 1);
    expect(counts.results).toBeGreaterThan(10);
    expect(await go()).toMatchObject({ state: 'done', counts: { results: 50 } });
    expect(asked).toBe(20 + 50 - counts.results);
  });

  it('ends at once when something concerns all records', async () => {
    const folder = temporary();
    const stage = stageOf((input) => {
      if (input.id === 'w7') throw new BagpiperError('The budget of 1 is used up.');
      return upper(input);
    });
    const going = withRun(folder, (run) => runStage(run, stage, inputsOf(words(1000)), { window: 2 }));
    await expect(going).rejects.toThrow('The budget of 1 is used up.');
    expect(manifestOf(folder).stages.words.counts).toMatchObject({
      results: expect.toSatisfy((n: number) => n >= 7 && n < 10),
      errors: {},
    });
  });

  it('refuses to mix settings or prompts', async () => {
    const folder = temporary();
    const go = (settings: { by: string }, text = 'Describe it.') =>
      withRun(folder, (run) =>
        runStage(run, stageOf(upper, settings), inputsOf(words(3)), { prompts: { 'words/ask.md': text } }),
      );
    await go({ by: 'one' });
    expect(readFileSync(join(folder, 'prompts/words/ask.md'), 'utf8')).toBe('Describe it.');
    await expect(go({ by: 'two' })).rejects.toThrow(/begun with by "one", now it is "two"/);
    await expect(go({ by: 'one' }, 'Say it.')).rejects.toThrow(/begun with another words\/ask.md/);
    rmSync(join(folder, 'words.jsonl'));
    expect(await go({ by: 'two' }, 'Say it.')).toMatchObject({ state: 'done' });
  });

  it('tells how far it is, and gives its results to the next stage', async () => {
    const folder = temporary();
    const told: Progress[] = [];
    const prices = { input: 1, output: 2 };
    const stage = stageOf((input, { spend }) => {
      spend({ prompt_tokens: 1000, completion_tokens: 500, total_tokens: 1500 });
      if (input.id === 'w2') throw new SetAside({ kind: 'unwanted', message: 'No.' });
      return upper(input);
    });
    await withRun(folder, (run) =>
      runStage(run, stage, inputsOf(words(6)), { total: 6, prices, onProgress: (progress) => told.push(progress) }),
    );
    expect(told[0]).toMatchObject({ done: 0, total: 6 });
    expect(told[told.length - 1]).toMatchObject({ done: 6, inFlight: 0, cost: 0.012, usage: { total_tokens: 9000 } });
    const next = await all(resultsIn<Word>(join(folder, 'words.jsonl'))((id) => id !== 'w4'));
    expect(next.map(({ word }) => word)).toEqual(['BELL 0', 'DOG 1', 'PIANO 3', 'DOOR 5']);
  });

  it('counts what failed tries cost, after their lines are gone too', async () => {
    const folder = temporary();
    let asked = 0;
    const stage = stageOf((input, { spend }) => {
      spend({ prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 });
      if (++asked === 1) throw new Error('once');
      return upper(input);
    });
    const outcome = await withRun(folder, (run) => runStage(run, stage, inputsOf(words(2)), { window: 1 }));
    expect(outcome.usage.total_tokens).toBe(6);
    expect(manifestOf(folder).stages.words).toMatchObject({ usage: { total_tokens: 4 }, dropped: { total_tokens: 2 } });
    const lines: Line[] = await all(linesIn(join(folder, 'words.jsonl')));
    expect(lines.map(({ id }) => id)).toEqual(['w0', 'w1']);
  });
});

it('writes no halves of surrogate pairs, and leaves whole ones and backslashes alone', () => {
  const line = { id: 'a', result: { id: 'a', text: 'half \ud83d, whole \ud83d\ude00, typed \\ud83d' } };
  expect(lineText(line)).toBe(
    '{"id":"a","result":{"id":"a","text":"half \ufffd, whole \ud83d\ude00, typed \\\\ud83d"}}\n',
  );
});
