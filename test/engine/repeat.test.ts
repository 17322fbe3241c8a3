import { describe, expect, it } from 'vitest';
import { generate } from '../../src/engine/generate.js';
import type { Lane } from '../../src/engine/scheduler.js';
import { segmentSettings } from '../../src/engine/settings.js';
import { Random } from '../../src/random.js';
import { goldenConfig } from '../model/golden.js';

const config = goldenConfig();
const { codec_layer_size: layer, num_stream: streams, codec_base_offset: base } = config;

/** A sequence whose scores never change: on every stream code 4 is the likeliest, then 2. */
function stuck(): Lane {
  const codes = () => Float32Array.from({ length: streams * layer }, (_, i) => ({ 4: 2, 2: 1 })[i % layer] ?? 0);
  const step = async () => ({ text: null, audio: { codes: codes(), ends: new Float32Array(2).fill(-9) } });
  return { length: 0, step } as unknown as Lane;
}

/** Codes of each stream, picked greedily. */
async function picked(max_repeat?: number): Promise<number[][]> {
  const greedy = { temperature: 0, topk: 1, cfg: 1, min_step: 1, max_step: 10 };
  const { text, audio } = config.generation;
  const [{ rows }] = await generate(stuck(), config, {
    segments: ['audio'],
    text,
    audio: segmentSettings('audio', audio, { ...greedy, ...(max_repeat ? { max_repeat } : {}) }),
    random: new Random(1),
  });
  return Array.from({ length: streams }, (_, s) => rows.map((row) => row[s] - base - s * layer));
}

describe('max_repeat', () => {
  it('lets stream 0 hold a code that often, then takes another once; the others repeat as they like', async () => {
    const [first, ...others] = await picked(3);
    expect(first).toEqual([4, 4, 4, 2, 4, 4, 4, 2, 4, 4]);
    for (const stream of others) expect(stream).toEqual(new Array(10).fill(4));
  });

  it('absent means any number', async () => {
    expect(config.generation.audio).not.toHaveProperty('max_repeat');
    expect(await picked()).toEqual(Array.from({ length: streams }, () => new Array(10).fill(4)));
  });

  it('comes from the config, and is refused where it is no number of rows', () => {
    const { audio } = goldenConfig({ generation: { audio: { max_repeat: 25 } } }).generation;
    expect(audio.max_repeat).toBe(25);
    expect(() => segmentSettings('audio', audio, { max_repeat: 0.5 })).toThrow(/"max_repeat" is 0.5/);
  });
});
