import { describe, expect, it } from 'vitest';
import { type Judged, rubricOf, type Scores, verdict } from '../../../src/data/simulate/judge.js';
import { NameLimit, rejection, Statistics, thresholdFor } from '../../../src/data/simulate/keep.js';
import { PromptBook } from '../../../src/data/simulate/prompts.js';
import type { Dialogue } from '../../../src/data/types.js';

const scores = (...all: number[]): Scores => ({
  all: Object.fromEntries(all.map((score, at) => [`d${at}`, { score }])),
});
const judged = (part: string, ...all: number[]): Judged => {
  return { id: 'x', part, scores: scores(...all), ...verdict(scores(...all)) };
};
const dialogue = (id: string, metadata: Dialogue['metadata']): Dialogue => ({
  id,
  messages: [],
  audio: { uri: 'a' },
  metadata,
});

describe('passing', () => {
  it.each([
    [[3, 4], 3.5, true],
    [[3, 3, 4], 3.33, false],
    [[2, 5, 5, 5], 4.25, false],
    [[5], 5, true],
    // 3.4968 is shown as 3.5 and is below it
    [Array.from({ length: 157 }, (_, at) => (at < 79 ? 3 : 4)), 3.5, false],
  ])('%s', (all, overall_score, overall_pass) =>
    expect(verdict(scores(...all))).toEqual({ overall_score, overall_pass }),
  );
});

describe('keeping', () => {
  it('has a threshold for each level', () => {
    const low = judged('imaginary', 2, 5, 5);
    expect(rejection(low, thresholdFor('imaginary'))).toBeNull();
    expect(rejection(low, thresholdFor('realistic'))).toEqual({ kind: 'min_score', message: 'Scores below 3: d0 2.' });
    expect(rejection(judged('imaginary', 3, 3), thresholdFor('imaginary'))?.kind).toBe('avg_score');
    expect(rejection(undefined, thresholdFor('simple_q'))?.kind).toBe('missing_judge_results');
  });

  it('lets a name stand in the first of at most 0.5%, or three', () => {
    const names = (count: number, total: number): number => {
      const limit = new NameLimit();
      const all = Array.from({ length: total }, (_, at) =>
        dialogue(`${at}`, { group: 'role-play', ...(at < count && { name: 'Ada' }) }),
      );
      for (const one of all) limit.add(one);
      limit.add(dialogue('other', { group: 'classical', name: 'Ada' }));
      const out = all.filter((one) => limit.rejection(one)?.kind === 'name_too_often');
      expect(out.every(({ id }) => Number(id) >= count - out.length)).toBe(true);
      return out.length;
    };
    expect(names(5, 10)).toBe(2);
    expect(names(10, 1000)).toBe(5);
    expect(names(3, 10)).toBe(0);
  });
});

it("counts as the recipe's summaries do", () => {
  const statistics = new Statistics();
  const real = dialogue('a', { detail_level: 'realistic' });
  const add = (of: Dialogue, one?: Judged): void => statistics.add(of, one, rejection(one, thresholdFor('realistic')));
  add(real, judged('realistic', 4, 4));
  add(real, judged('realistic', 2, 4));
  add(real, judged('realistic', 3, 3));
  add(real, undefined);
  statistics.add(dialogue('b', { detail_level: 'imaginary' }), judged('imaginary', 2, 5), null);
  expect(statistics.judgeSummary('realistic')).toEqual({
    total_samples: 3,
    passed_samples: 1,
    pass_rate: 0.3333,
    avg_scores: { d0: 3, d1: 3.67 },
    failure_breakdown: { d0: 1 },
  });
  expect(statistics.filterSummary('realistic')).toEqual({
    total_input: 4,
    total_passed: 1,
    total_rejected: 3,
    missing_judge_results: 1,
    pass_rate: 0.25,
    thresholds: { min_score: 3, avg_score: 3.5 },
    rejection_breakdown: { by_min_score: 1, by_avg_score: 2, by_dimension: { d0: 1 } },
  });
  const all = statistics.judgeSummaryAll();
  expect([all.total_samples, all.passed_samples, all.overall_pass_rate]).toEqual([4, 1, 0.25]);
  expect(Object.keys(all.by_level as object)).toEqual(['imaginary', 'realistic']);
});

describe('packaged lists and rubrics', () => {
  const book = new PromptBook();

  it('are as long as the workflows want them', () => {
    expect(book.list('personas').length).toBeGreaterThanOrEqual(40);
    expect(new Set(book.list('personas')).size).toBe(book.list('personas').length);
    expect([...book.groups('applications').values()].map(({ length }) => length)).toEqual(Array(8).fill(5));
    expect([...book.groups('styles')].map(([name, { length }]) => [name, length])).toEqual([
      ['Classical', 14],
      ['Role-play', 12],
      ['Intent', 12],
    ]);
    expect(book.list('nudges')).toHaveLength(12);
    expect([...book.groups('attributes').keys()]).toEqual(['Any', 'Speech', 'Music', 'Sound']);
  });

  it("have the recipe's dimensions", () => {
    const names = (file: string) => [...rubricOf(book, file).categories.values()].flatMap((all) => [...all.keys()]);
    expect(names('rubric-generation')).toEqual(
      'naturalness clarity specificity feasibility language_quality intent_match content_coverage no_contradictions scope_match transcription_match reasoning_coherence step_completeness no_hallucination appropriate_depth trace_caption_consistency descriptiveness realism coherence completeness learning_signal non_trivial persona_fit'.split(
        ' ',
      ),
    );
    expect(names('rubric-tts')).toEqual(
      'voice_attribute_match structure_completeness reasoning_coherence cot_caption_consistency'.split(' '),
    );
    expect(names('rubric-tts-multi-talker')).toEqual([...names('rubric-tts'), 'transcription_attribution']);
  });
});

describe("prompts of one's own", () => {
  it('are filled in', () => {
    const book = new PromptBook(undefined, { mine: '<!-- no -->\n# System\nBe {{how}}.\n# User\nSay {{ what }}.' });
    expect(book.messages('mine', { how: 'brief', what: 'x' })).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Say x.' },
    ]);
  });

  it.each([
    [
      'asks for an unknown name',
      { mine: '# User\n{{other}}' },
      'The prompt mine.md asks for {{other}}; it may use what.',
    ],
    [
      'has no user part',
      { mine: 'Say it.' },
      'The prompt mine.md has no part "# User"; write one, and "# System" before it if you like.',
    ],
  ])('%s', (_, given, message) => {
    expect(() => new PromptBook(undefined, given).messages('mine', { what: 'x' })).toThrow(message);
  });

  it('must be there, and lists must have items', () => {
    expect(() => new PromptBook('/nowhere')).toThrow('/nowhere: there is no such folder');
    expect(() => new PromptBook().text('mine')).toThrow(/^The prompt .*mine\.md is missing/);
    expect(() => new PromptBook(undefined, { mine: '# Only a heading' }).list('mine')).toThrow(
      'The list mine.md has no items',
    );
  });
});
