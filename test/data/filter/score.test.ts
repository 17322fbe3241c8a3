import { describe, expect, it } from 'vitest';
import { checkSemantics, noisyScore, score, semanticReason, topK } from '../../../src/data/filter/score.js';
import { defaultSettings, TOP_K, withSettings } from '../../../src/data/filter/settings.js';

const settings = defaultSettings();
const joined = (fields: Record<string, number>): Map<string, number> => new Map(Object.entries(fields));

describe('semantic conditions', () => {
  it('keep fractions above their limit and whole numbers at it', () => {
    const asked = { ...settings, require: { clap_similarity: 0.5, complexity_score: 3, is_pure_english: true } };
    const of = (clap: number, complexity: number, english: number): string | undefined =>
      semanticReason(joined({ clap_similarity: clap, complexity_score: complexity, is_pure_english: english }), asked)
        ?.kind;
    expect(of(0.51, 3, 1)).toBeUndefined();
    expect(of(0.5, 3, 1)).toBe('clap_similarity');
    expect(of(0.51, 2, 1)).toBe('complexity_score');
    expect(of(0.51, 3, 0)).toBe('is_pure_english');
    expect(of(Number.NaN, 3, 1)).toBe('clap_similarity');
  });

  it('compare kinds of sound, by upstream names too', () => {
    const sounds = { ...settings, require: { audio_type: 'sound_effects' } };
    expect(semanticReason(joined({ audio_type: 2 }), sounds)).toBeUndefined();
    expect(semanticReason(joined({ audio_type: 0 }), sounds)?.message).toBe(
      'audio_type is speech; sound_effects is asked for.',
    );
  });

  it('ask for agreement with the sound where a judge heard it', () => {
    expect(semanticReason(joined({ agreement: 3 }), settings)).toBeUndefined();
    expect(semanticReason(joined({ agreement: 2 }), settings)?.kind).toBe('audio_disagrees');
  });
});

describe('score', () => {
  const all = {
    intelligibility_score: 4,
    complexity_score: 3,
    diversity_score: 2,
    mos_mean: 3.5,
    clap_similarity: 0.4,
    aesthetics_mean: 6,
  };

  it('is the weighted sum: MOS for speech, aesthetics for all else', () => {
    const judged = ((4 + 3 + 2) * 0.2) / 3;
    expect(score(joined(all), 'speech', settings)).toBeCloseTo(judged + 0.4 + 0.7, 12);
    expect(score(joined(all), 'music', settings)).toBeCloseTo(judged + 0.4 + 0.6, 12);
  });

  it('leaves out fields that are conditions or not known, and is none where nothing positive is left', () => {
    const asked = { ...settings, require: { clap_similarity: 0.1 } };
    expect(score(joined({ clap_similarity: 0.4, mos_mean: 3 }), 'speech', asked)).toBeCloseTo(0.6, 12);
    expect(score(joined({ clap_similarity: -0.2 }), 'music', settings)).toBeUndefined();
    expect(score(joined({}), 'music', settings)).toBeUndefined();
  });
});

describe('noisy top-k', () => {
  it('keeps the best floor(n * (1 - discard)), the first of equals', () => {
    expect([...topK(Float64Array.of(5, 1, 4, 2, 3), 0.2)]).toEqual([1, 0, 1, 1, 1]);
    expect([...topK(Float64Array.of(1, 1, 1, 1, 1), 0.42)]).toEqual([1, 1, 0, 0, 0]);
    expect(topK(new Float64Array(50), 0.42).reduce((a, b) => a + b)).toBe(29);
    expect([...topK(Float64Array.of(7), 0.2)]).toEqual([0]);
    expect([...topK(new Float64Array(0), 0.2)]).toEqual([]);
  });

  it('adds noise with the mean and variance of Gumbel, times the temperature', () => {
    const noise = Array.from({ length: 20_000 }, (_, i) => noisyScore(0, `id-${i}`, { temperature: 2, seed: 42 }));
    const mean = noise.reduce((a, b) => a + b) / noise.length;
    const variance = noise.reduce((sum, x) => sum + (x - mean) ** 2, 0) / noise.length;
    expect(mean).toBeCloseTo(2 * 0.5772156649, 1);
    expect(Math.abs(variance / ((4 * Math.PI ** 2) / 6) - 1)).toBeLessThan(0.05);
  });

  it('draws by seed and id alone', () => {
    const [a, b] = [TOP_K.default, { ...TOP_K.default, seed: 43 }];
    expect(noisyScore(1, 'x', a)).toBe(noisyScore(1, 'x', a));
    expect(noisyScore(1, 'x', a)).not.toBe(noisyScore(1, 'x', b));
    expect(noisyScore(1, 'x', { temperature: 0, seed: 1 })).toBe(1);
  });
});

describe('settings', () => {
  it('are laid over the defaults', () => {
    const read = withSettings(
      settings,
      { surface: { tokens: { max: 1024 } }, language: false, require: { audio_type: 'speech' } },
      'mine.json',
    );
    expect(read.surface.tokens).toEqual({ min: 200, max: 1024 });
    expect(read.surface.charRun).toBe(5);
    expect(read.language).toBe(false);
    expect(read.require).toEqual({ is_pure_english: true, audio_type: 'speech' });
    expect(settings.surface.tokens.max).toBe(800);
  });

  it.each([
    [{ surfaces: {} }, 'mine.json: there is no setting "surfaces"; accepted here are surface, lenient'],
    [{ surface: { tokens: { most: 3 } } }, 'there is no setting "surface.tokens.most"; accepted here are min, max.'],
    [{ surface: { charRun: '5' } }, '"surface.charRun" is "5"; a number from 0 is accepted.'],
    [{ surface: false }, '"surface" is false; an object is accepted.'],
    [{ language: true }, '"language" is true; an object or false is accepted.'],
    [{ weights: { mos_mean: 'much' } }, '"weights.mos_mean" is "much"; a number is accepted.'],
    [[], 'mine.json must hold a JSON object of settings'],
  ])('%j is refused', (given, message) => {
    expect(() => withSettings(settings, given, 'mine.json')).toThrow(message);
  });

  it('are checked for fields that do not exist', () => {
    expect(() => checkSemantics({ ...settings, require: { loudness: 1 } })).toThrow('There is no field "loudness"');
    expect(() => checkSemantics({ ...settings, require: { audio_type: 'noise' } })).toThrow('cannot be "noise"');
    const discard = { speech: 1, music: 0, sound: 0 };
    expect(() => checkSemantics({ ...settings, topK: { temperature: 1, seed: 1, discard } })).toThrow('is 1; from 0');
  });
});
