import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { defaultSettings, type FilterRequest, filterLabels } from '../../../src/data/filter/index.js';
import { captionFile, goodLabel, realLabels, type UpstreamLabel } from './captions.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = (...parts: string[]): string => join(folder, ...parts);
const read = (...parts: string[]): string => readFileSync(path(...parts), 'utf8');
const lines = <T = Record<string, unknown>>(...parts: string[]): T[] =>
  read(...parts)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
const write = (name: string, records: readonly object[]): string => {
  writeFileSync(path(name), records.map((record) => `${JSON.stringify(record)}\n`).join(''));
  return path(name);
};
const filter = (labels: string | string[], changes: Partial<FilterRequest> = {}) =>
  filterLabels({ labels: [labels].flat(), folder, settings: defaultSettings(), ...changes });

/** Why each id was removed; kept ids are not in it. */
const removed = (): Record<string, string> =>
  Object.fromEntries(
    lines<{ id: string; aside?: { kind: string } }>('filter.jsonl').flatMap(({ id, aside }) =>
      aside ? [[id, aside.kind]] : [],
    ),
  );

describe('filtering upstream label files', () => {
  it('keeps the real captions but for the one whose clip lasts 30.04 s', async () => {
    const stats = await filter(captionFile('generation'));
    expect(stats).toMatchObject({ total: 6, survived: 5, deleted: 1, survival_rate: 0.8333 });
    expect(lines('filter', 'delete_ids.jsonl')).toEqual([{ utt_id: realLabels()[3].utt_id }]);
    const [example] = lines('filter', 'demo.jsonl');
    expect(example).toMatchObject({
      reason: 'duration_high',
      message: 'Its clip lasts 30.04 s; 2 to 30 s are let pass.',
      utt_id: realLabels()[3].utt_id,
      caption: realLabels()[3].caption,
    });
  });

  it('judges captions alone only by their text when told to', async () => {
    expect(await filter(captionFile('understanding'))).toMatchObject({ deleted_by_reason: { finish_reason: 6 } });
    const settings = { ...defaultSettings(), lenient: true };
    expect(await filter(captionFile('understanding'), { settings })).toMatchObject({ total: 6, survived: 6 });
  });

  it('removes bad ones for the right reason', async () => {
    const usage = (tokens: number): UpstreamLabel['usage'] => ({ ...goodLabel('x').usage, completion_tokens: tokens });
    const { caption } = goodLabel('x');
    const bad: Record<string, Partial<UpstreamLabel>> = {
      finish_reason: { finish_reason: 'length' },
      missing_fields: { caption: '' },
      non_latin: { caption: `${caption} \u4f60\u597d` },
      char_repetition: { caption: `${caption} Hmmmmmmm` },
      word_repetition: { caption: `${caption} la la la la` },
      ngram_repetition: { caption: `${caption} ${caption.split(' ').slice(0, 80).join(' ')}` },
      unique_word_ratio_low: { caption: caption.split(' ').slice(0, 9).join(' ') + ' hum and hum or'.repeat(20) },
      uppercase_ratio_high: { caption: caption.toUpperCase() },
      tokens_low: { usage: usage(199) },
      tokens_high: { usage: usage(801) },
      duration_low: { duration: 1.5 },
      duration_high: { duration: 31 },
      not_english: { caption: `${caption}\n\n${Array.from({ length: 80 }, (_, i) => `wort${i}`).join(' ')}` },
    };
    // Few different words in ever new orders: their repeated 5-grams are let pass for this one.
    const settings = defaultSettings();
    const records = Object.entries(bad).map(([reason, changes]) => goodLabel(reason, changes));
    const poor = records.findIndex(({ utt_id }) => utt_id === 'unique_word_ratio_low');
    const [odd] = records.splice(poor, 1);
    await filter(write('bad.jsonl', [goodLabel('good'), ...records]), { settings });
    expect(removed()).toEqual(Object.fromEntries(records.map(({ utt_id }) => [utt_id, utt_id])));
    settings.surface.ngramRepetition = 1;
    await filter(write('odd.jsonl', [odd]), { settings });
    expect(removed()).toEqual({ unique_word_ratio_low: 'unique_word_ratio_low' });
  });

  it('compares with transcripts, lists of deleted ids and earlier captions', async () => {
    const quoting = goodLabel('quoting', { caption: `${goodLabel('q').caption} He says: "Please present your case."` });
    const copy = { ...goodLabel('first'), utt_id: 'copy' };
    const labels = write('labels.jsonl', [goodLabel('first'), quoting, goodLabel('listed'), goodLabel('other'), copy]);
    writeFileSync(path('text'), 'quoting the weather will be fine today\nother\n');
    const blacklists = [write('a_delete.jsonl', [{ id: 'listed' }]), write('b.jsonl', [{ utt_id: 'nobody' }])];
    const stats = await filter(labels, { transcripts: path('text'), blacklists });
    expect(removed()).toEqual({ quoting: 'transcript_mismatch', listed: 'blacklisted', copy: 'near_duplicate' });
    expect(lines<{ id: string; aside: object }>('filter.jsonl')[4].aside).toMatchObject({
      message: 'It is like first, which came before.',
    });
    expect(stats.funnel.map(({ step, in: before, removed: gone }) => [step, before, gone])).toEqual([
      ['surface', 5, 0],
      ['transcript', 5, 1],
      ['blacklist', 4, 1],
      ['duplicates', 3, 1],
    ]);
  });

  it('lets the first label of an id speak for it, over several files', async () => {
    const files = [write('rank0.jsonl', [goodLabel('a')]), write('rank1.jsonl', [goodLabel('b'), goodLabel('a')])];
    expect(await filter(files)).toMatchObject({ total: 3, survived: 2, deleted_by_reason: { duplicate_id: 1 } });
    expect(lines('filter.jsonl').map(({ id }) => id)).toEqual(['a', 'b']);
    expect(read('filter', 'delete_ids.jsonl')).toBe('');
  });

  it('passes over a last line that was cut off, and names one that is broken', async () => {
    writeFileSync(path('torn.jsonl'), `${JSON.stringify(goodLabel('a'))}\n{"utt_id": "b", "capt`);
    expect(await filter(path('torn.jsonl'))).toMatchObject({ total: 1, survived: 1 });
    writeFileSync(path('broken.jsonl'), `{"utt_id": "b", "capt\n${JSON.stringify(goodLabel('a'))}\n`);
    await expect(filter(path('broken.jsonl'))).rejects.toThrow(`${path('broken.jsonl')} line 1 is not JSON`);
    await expect(filter(path('none.jsonl'))).rejects.toThrow('cannot be read');
    expect(readdirSync(path('filter')).filter((name) => name.includes('part') || name === 'temporary')).toEqual([]);
  });
});

describe('filtering a run', () => {
  it('copies what is kept byte for byte but for spent tokens, passes over what is no label, and gives the same bytes again', async () => {
    const result = (id: string) => ({ id, result: { ...goodLabel(id), utt_id: undefined, id, model: 'm' } });
    const labels = write('label.jsonl', [
      result('a'),
      { id: 'b', error: { kind: 'timeout', message: 'Late.' } },
      { id: 'c', aside: { kind: 'refused', message: 'No.' } },
      { ...result('d'), usage: { prompt_tokens: 9, completion_tokens: 9, total_tokens: 18 } },
    ]);
    expect(await filter(labels, { unique: true })).toMatchObject({ total: 2, survived: 2 });
    const kept = read('label.jsonl').split('\n');
    expect(read('filter.jsonl')).toBe(`${kept[0]}\n${JSON.stringify(result('d'))}\n`);
    expect(read('filter', 'kept_utt_ids.txt')).toBe('a\nd\n');
    const before = readdirSync(path('filter')).map((name) => read('filter', name));
    await filter(labels, { unique: true });
    expect(readdirSync(path('filter')).map((name) => read('filter', name))).toEqual(before);
  });

  it('counts measures before and after', async () => {
    const usage = (tokens: number) => ({ prompt_tokens: 1, completion_tokens: tokens, total_tokens: tokens + 1 });
    await filter(write('l.jsonl', [goodLabel('a'), goodLabel('b', { usage: usage(900) })]));
    const { tokens } = JSON.parse(read('filter', 'distributions.json'));
    expect(tokens).toMatchObject({ bucket: 20 });
    expect([tokens.all[20], tokens.all[45], tokens.kept[20], tokens.kept[45]]).toEqual([1, 1, 1, 0]);
  });
});

describe('joining, scoring and drawing', () => {
  const sides = () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const judgement = { audio_type: 'speech', is_pure_english: true, is_audio_focused: true };
    const scores = { intelligibility_score: 3, complexity_score: 3, diversity_score: 3 };
    return {
      labels: write(
        'l.jsonl',
        ids.map((id) => goodLabel(id)),
      ),
      sides: {
        judge: write(
          'judge.jsonl',
          ids.map((id) => ({
            utt_id: id,
            response: JSON.stringify({ ...judgement, ...scores, is_pure_english: id !== 'b' }),
          })),
        ),
        mos: write(
          'mos.jsonl',
          ids.filter((id) => id !== 'c').map((id, i) => ({ utt_id: id, MEAN: 2 + i / 4 })),
        ),
        clap: write(
          'clap.jsonl',
          ids.map((id) => ({ utt_id: id, cosine_similarity: id === 'd' ? -9 : 0.25 })),
        ),
        textToAudio: write(
          't2a.jsonl',
          ids.map((id, i) => ({ [id]: 500 + i })),
        ),
      },
    };
  };

  it('keeps the best of those that all files know', async () => {
    const { labels, sides: files } = sides();
    const settings = defaultSettings();
    settings.topK = { temperature: 0, discard: { speech: 0.4, music: 0, sound: 0 }, seed: 42 };
    const stats = await filter(labels, { sides: files, settings });
    // Five are scored, e to h grow with MOS; a is the worst: floor(5 * 0.6) = 3 are kept.
    expect(removed()).toEqual({ b: 'is_pure_english', c: 'no_mos', d: 'no_score', a: 'below_top_k', e: 'below_top_k' });
    // h: 0.6 of judgements, 0.2 * MOS 3.5 and CLAP 0.25
    expect(read('filter', 'kept_utt_ids.txt').split('\n')[2]).toBe('h\t1.550000\t507\tN/A');
    expect(stats).toMatchObject({
      survived: 3,
      survived_by_kind: { speech: 3 },
      text_to_audio_tokens: 505 + 506 + 507,
    });
    expect(lines<{ result?: object }>('filter.jsonl')[7].result).toMatchObject({
      id: 'h',
      kind: 'speech',
      score: 1.55,
    });
  });

  it('reads side files that are tables', async () => {
    const { labels } = sides();
    writeFileSync(path('mos.csv'), 'utt_id,MEAN\na,3.5\nb,2\n');
    await filter(labels, {
      sides: { mos: path('mos.csv') },
      kind: 'speech',
      settings: { ...defaultSettings(), topK: false },
    });
    expect(read('filter', 'kept_utt_ids.txt')).toBe('a\t0.700000\tN/A\tN/A\nb\t0.400000\tN/A\tN/A\n');
    writeFileSync(path('odd.jsonl'), '{"name": "a", "MEAN": 3}\n');
    await expect(filter(labels, { sides: { mos: path('odd.jsonl') } })).rejects.toThrow('line 1 names no record');
  });

  it('stops when it is told to, leaving nothing new', async () => {
    const { labels, sides: files } = sides();
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await expect(filter(labels, { sides: files, signal: stop.signal })).rejects.toThrow('stopped');
    expect(readdirSync(folder)).not.toContain('filter.jsonl');
  });
});
