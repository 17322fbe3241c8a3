import { describe, expect, it } from 'vitest';
import type { TrainingSizes } from '../../../src/model/index.js';
import { Random } from '../../../src/random.js';
import { initialLanguageModel } from '../../../src/train/initial.js';
import { createStageTrainer, type StageSettings } from '../../../src/train/nano/lm.js';
import { trainTokenizer } from '../../../src/train/nano/prepare.js';
import type { Example } from '../../../src/train/nano/samples.js';
import { wordsCheck } from '../../../src/train/nano/words-check.js';
import { EMPTY, SPEAKER, scenes } from './clips.js';
import { CODES, TEXT_IDS, tinyLanguage } from './tiny-language.js';

// No condition is dropped.
const config = tinyLanguage({ audio_cfg: 0 });
const sizes: TrainingSizes = {
  ...{ batch: 2, rows: 200, scored: 400, scoredCodes: 400, codecSoftmax: 'own', features: 0, guided: 0 },
};
const { tokenizer } = trainTokenizer(scenes(10), TEXT_IDS, 'words');
const options = { config, sizes, tokenizer };
const random = new Random('words');

function clip(sentence: string): Example {
  const words = sentence.toLowerCase().replace(/[^a-z ]/g, '');
  const speech = [{ speaker: 0, words, sentence, start: 0.4, end: 1.6 }];
  const scene = { ...EMPTY, seconds: 2, speakers: [SPEAKER], speech };
  return { scene, features: new Float32Array(0), codes: Int32Array.from({ length: 8 * 50 }, () => random.int(CODES)) };
}

describe('wordsCheck', () => {
  const [a, b, c] = ['The river is cold.', 'Two dogs ran.', 'My brother made some cheese for us!'].map(clip);

  it('foretells the same turns after their own words and after others', () => {
    const { own, other } = wordsCheck([a, b, c], options, 'seed')!;
    const codes = [own, other].map(({ inputs }) => inputs.target_codes);
    expect(codes[0]).toEqual(codes[1]);
    expect(own.denominator).toBe(other.denominator);
    expect(own.inputs.ids).not.toEqual(other.inputs.ids);
  });

  it('finds no difference where the words are the same, and one where they are not', async () => {
    const stage: StageSettings = {
      ...{ name: 'say', mixture: { say: 1 }, clip: 1, freeze: 'nothing' },
      schedule: { peak: 1, warmup: 1, steps: 1, floor: 1 },
    };
    const parameters = initialLanguageModel(config, new Random('initial'));
    const trainer = await createStageTrainer(stage, { config, sizes, parameters, threads: 1 });
    const difference = async (clips: Example[]): Promise<number> => {
      const { own, other } = wordsCheck(clips, options, 'seed')!;
      const [mine, others] = [await trainer.evaluate(own.inputs), await trainer.evaluate(other.inputs)];
      return others.values.codes - mine.values.codes;
    };
    expect(await difference([a, clip('The river is cold.')])).toBe(0);
    expect(Math.abs(await difference([a, b]))).toBeGreaterThan(1e-6);
    await trainer.release();
  });

  it('needs two clips with speech and codes', () => {
    expect(wordsCheck([a], options, 'seed')).toBeNull();
    expect(wordsCheck([a, { ...b, codes: undefined }, { ...c, scene: EMPTY }], options, 'seed')).toBeNull();
  });
});
