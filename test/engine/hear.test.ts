import { describe, expect, it } from 'vitest';
import { logMel } from '../../src/audio/index.js';
import { Hearing } from '../../src/engine/hear.js';
import { Graph } from '../../src/graph/index.js';
import { adaptor, encoderGraph, layChunks, parseConfig, planEncoding } from '../../src/model/index.js';
import { Random } from '../../src/random.js';
import { Session } from '../../src/runtime/index.js';

const config = parseConfig(
  {
    hidden_size: 24,
    audio_config: {
      num_mel_bins: 16,
      d_model: 16,
      encoder_layers: 2,
      encoder_attention_heads: 2,
      encoder_ffn_dim: 32,
      output_dim: 16,
      downsample_hidden_size: 4,
      n_window: 50,
      n_window_infer: 400,
    },
  },
  'the test',
);
const audio = config.audio_config!;

/** Random weights and sound, the same every time. */
function numbers(name: string, size: number): Float32Array {
  const random = new Random(name);
  return Float32Array.from({ length: size }, () => 0.3 * random.normal());
}

/** The whole encoder as one graph that takes all chunks of a clip at once. */
async function atOnce(samples: Float32Array): Promise<{ vectors: Float32Array; tokens: number }> {
  const mel = logMel(samples, { recipe: config.front_end, bands: audio.num_mel_bins });
  const plan = planEncoding(mel.frames, audio);
  const graph = new Graph();
  graph.output('adapted', adaptor(encoderGraph(graph, audio, plan.frames).features, config));
  const session = await Session.create(graph, { threads: 1, parameters: parametersOf(graph) });
  const { adapted } = await session.run({
    chunks: {
      data: layChunks(mel.data, mel.frames, plan, audio),
      dims: [plan.chunks, 1, audio.num_mel_bins, plan.frames],
    },
    keep: { data: plan.keep, dims: [plan.tokens] },
    mask: { data: plan.mask, dims: [1, 1, plan.tokens, plan.tokens] },
  });
  await session.release();
  return { vectors: adapted.data as Float32Array, tokens: plan.tokens };
}

const parametersOf = (graph: Graph) => (name: string) => {
  const shape = graph.parameters.get(name)!.shape as number[];
  return {
    data: numbers(
      name,
      shape.reduce((a, b) => a * b, 1),
    ),
  };
};

describe('hearing a clip in portions', () => {
  // Parameters have the same numbers in every graph; their sizes are those of any graph that has them.
  const graph = new Graph();
  graph.output('adapted', adaptor(encoderGraph(graph, audio, 100).features, config));
  const options = { threads: 1, parameters: parametersOf(graph) };

  it.each([
    ['a part of a chunk', 0.4],
    ['one chunk', 1],
    ['as many chunks as are taken at once', 4],
    ['one more, cut short', 4.3],
    ['several portions', 9.75],
  ])('gives what taking it whole gives: %s', async (_, seconds) => {
    const samples = numbers('sound', Math.round(seconds * 16000));
    const hearing = new Hearing(config, options);
    const heard = await hearing.features(samples);
    await hearing.release();
    const whole = await atOnce(samples);
    expect(heard.tokens).toBe(whole.tokens);
    expect(heard.vectors.length).toBe(whole.vectors.length);
    const apart = heard.vectors.reduce((most, x, i) => Math.max(most, Math.abs(x - whole.vectors[i])), 0);
    expect(apart).toBeLessThan(1e-5);
  });
});
