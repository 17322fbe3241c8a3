import { describe, expect, it } from 'vitest';
import { Lessons } from '../../experiments/batches.js';
import { beforeAnswer } from '../../experiments/measures.js';
import { endingSample, heldSample, labelsOf, questionPrompt, type Speech } from '../../experiments/samples.js';
import { parseConfig } from '../../src/model/index.js';
import { Random } from '../../src/random.js';
import { trainTokenizer } from '../../src/train/nano/prepare.js';
import type { Example } from '../../src/train/nano/samples.js';
import { NANO } from '../../src/train/nano/settings.js';
import { scenes } from '../train/nano/clips.js';
import { SIZES } from './micro.js';

const [TEXT_IDS, CODES, WIDTH] = [500, 8, 4];
const config = parseConfig(
  {
    ...NANO,
    ...{ hidden_size: 16, head_dim: 4, adaptor_input_dim: WIDTH },
    audio_config: { ...NANO.audio_config, output_dim: WIDTH },
    ...{ text_token_end: 256 + TEXT_IDS, codec_base_offset: 256 + TEXT_IDS, codec_layer_size: CODES + 1 },
    vocab_size: 256 + TEXT_IDS + 8 * (CODES + 1),
    audio_cfg: 0,
  },
  'the test',
);
const { tokenizer } = trainTokenizer(scenes(10), TEXT_IDS, 'samples');
const speech: Speech = { tokenizer, config };
const random = new Random('samples');
const examples = scenes(10, 'samples').map((scene): Example => {
  const features = Float32Array.from({ length: 5 * WIDTH }, () => random.normal());
  return { scene, features, codes: Int32Array.from({ length: 8 * 6 }, () => random.int(CODES)) };
});

/** Text of the scored rows of stream 0, in order. */
function scoredText({ grid }: { grid: { ids: Int32Array; lossMask: Float32Array; length: number } }): string {
  const ids = [...Array(grid.length).keys()].filter((t) => grid.lossMask[t * 8] > 0).map((t) => grid.ids[t * 8]);
  return tokenizer.decode(ids.filter((id) => id >= 256 && id < 256 + TEXT_IDS).map((id) => id - 256));
}

describe('samples', () => {
  it('name what a scene holds, once each', () => {
    const scene = {
      ...examples[0].scene,
      speech: [],
      events: ['dog bark', 'siren', 'dog bark'].map((label) => ({ label }) as Example['scene']['events'][number]),
      ambience: { label: 'rain', level: 0 },
      music: null,
    };
    expect(labelsOf(scene)).toBe('dog bark, siren, rain');
  });

  it('score the answer alone of a direct one, and caption, thinking and answer otherwise', () => {
    const [ask, direct] = (['ask', 'askDirect'] as const).map((kind) => heldSample(kind, examples[1], speech, 'seed'));
    const answer = scoredText(direct);
    expect(scoredText(ask)).toMatch(/<think>[\s\S]*<\/think>/);
    expect(scoredText(ask).endsWith(answer)).toBe(true);
    expect(answer).not.toContain('think');
    expect(direct.features).toEqual([examples[1].features]);
  });

  it('score the sound alone of a rendering, however it was planned', () => {
    const [planned, direct] = (['render', 'renderDirect'] as const).map((kind) =>
      heldSample(kind, examples[2], speech, 'seed'),
    );
    expect(planned.grid.length).toBeGreaterThan(direct.grid.length);
    const scored = ({ grid }: typeof planned) => grid.lossMask.reduce((sum, weight) => sum + weight, 0);
    expect(scored(planned)).toBeCloseTo(scored(direct), 5);
    expect(scoredText(planned)).toBe('');
  });

  it('score a true ending after own words', () => {
    const prompt = questionPrompt(examples[0], { text: 'What barks?' }, speech);
    const before = beforeAnswer('Hm.\n\n<think>\nA dog?\n</think>\n\nA cat.');
    expect(before).toBe('Hm.\n\n<think>\nA dog?\n</think>\n\n');
    expect(scoredText(endingSample(prompt, before, 'A dog', examples[0], speech))).toBe('A dog');
    expect(beforeAnswer('no end')).toBe('no end\n</think>\n\n');
  });
});

describe('Lessons', () => {
  const lessons = () => new Lessons(examples, { caption: 1, sound: 0.5 }, SIZES, speech, 'lessons');

  it('give the same batch for a step, whatever was asked for before', () => {
    const [all, late] = [lessons(), lessons()];
    const batches = [0, 1, 2, 3, 4, 5].map((step) => all.at(step));
    const again = late.at(5);
    expect(again.inputs.ids).toEqual(batches[5].inputs.ids);
    expect(again.samples).toBe(batches[5].samples);
    expect(new Set(batches.map(({ inputs }) => String(inputs.ids.data))).size).toBe(6);
  });
});
