import { describe, it } from 'vitest';
import * as g from '../../src/graph/index.js';
import { decoderSpectra, synthesize } from '../../src/model/codec/nano-decoder.js';
import {
  type AudioConfig,
  embedChunks,
  encodeTokens,
  LETTERS,
  packGrids,
  SPELLING,
  type TrainingSizes,
  trainingLoss,
} from '../../src/model/index.js';
import { HIDDEN } from '../../src/nn/index.js';
import { Random } from '../../src/random.js';
import type { Value } from '../../src/runtime/index.js';
import { layBatch } from '../../src/train/batch.js';
import { codecLoss } from '../../src/train/nano/codec-loss.js';
import { config, goldenGrid, goldenTensor, goldenWeights } from '../train/golden.js';
import { checkDirections, randomParameters, weighted } from './differences.js';

function normal(seed: string, dims: number[], scale = 1): Value {
  const random = new Random(seed);
  const size = dims.reduce((a, b) => a * b, 1);
  return { dims, data: Float32Array.from({ length: size }, () => scale * random.normal()) };
}

describe('gradients of whole networks agree with differences', () => {
  it.each(['all', 'own'] as const)('language model, %s codes in the softmax', async (codecSoftmax) => {
    const sizes: TrainingSizes = { batch: 1, rows: 77, scored: 60, scoredCodes: 100, features: 5, codecSoftmax };
    const graph = new g.Graph();
    const { loss } = trainingLoss(graph, config, sizes);
    const pack = packGrids(['dialogue_caption_then_audio', 'dialogue_audio_and_text_question'].map(goldenGrid), 77);
    const batch = layBatch([{ pack, features: [goldenTensor('packed.features.0')] }], sizes, config);
    const parameters = Object.fromEntries(
      [...goldenWeights()].map(([name, data]) => [name, { data, dims: graph.parameters.get(name)!.shape as number[] }]),
    );
    await checkDirections(graph, loss, { ...batch.inputs, ...parameters });
  });

  it('language model, told where to look and which letter is said', async () => {
    const sizes: TrainingSizes = {
      batch: 1,
      rows: 77,
      scored: 60,
      scoredCodes: 100,
      features: 5,
      guided: 1,
      spelled: 0,
    };
    const graph = new g.Graph();
    const { loss } = trainingLoss(graph, config, sizes);
    const grids = ['dialogue_caption_then_audio', 'dialogue_audio_and_text_question'].map(goldenGrid);
    const row = {
      pack: packGrids(grids, 77),
      features: [goldenTensor('packed.features.0')],
      followed: grids.map(({ length }) =>
        [7, 8, length - 1].map((at) => ({ row: at, from: 2, to: 5, letter: at % LETTERS })),
      ),
    };
    const { inputs } = layBatch([row], sizes, config);
    const random = new Random('spelling');
    const spelling = Float32Array.from({ length: LETTERS * config.hidden_size }, () => random.normal());
    const parameters = Object.fromEntries(
      [...goldenWeights().set(SPELLING, spelling)].map(([name, data]) => [
        name,
        { data, dims: graph.parameters.get(name)!.shape as number[] },
      ]),
    );
    await checkDirections(graph, loss, { ...inputs, ...parameters });
  });

  it('audio encoder, from picture to features', async () => {
    const audio = {
      num_mel_bins: 16,
      d_model: 12,
      encoder_layers: 2,
      encoder_attention_heads: 3,
      encoder_ffn_dim: 20,
      output_dim: 10,
      downsample_hidden_size: 4,
    } as AudioConfig;
    const [chunks, frames, tokens] = [2, 20, 6];
    const graph = new g.Graph();
    const picture = graph.input('picture', 'float32', [chunks, 1, audio.num_mel_bins, frames]);
    const mask = graph.input('mask', 'float32', [1, 1, tokens, tokens]);
    const embedded = g.reshape(embedChunks(picture, audio), [1, tokens, audio.d_model]);
    const loss = weighted(encodeTokens(embedded, mask, audio), new Random('weights'));
    // Two clips of three tokens that do not see each other.
    const hidden = Float32Array.from({ length: tokens * tokens }, (_, i) =>
      Math.floor(i / tokens / 3) === Math.floor((i % tokens) / 3) ? 0 : HIDDEN,
    );
    await checkDirections(graph, loss, {
      picture: normal('picture', [chunks, 1, audio.num_mel_bins, frames]),
      mask: { data: hidden, dims: [1, 1, tokens, tokens] },
      ...randomParameters(graph, 'encoder'),
    });
  });

  it('codec decoder, from codes to the distance of sounds', async () => {
    const codec = { type: 'nano-codec', mel_bands: 8, dims: 6, codebooks: 1, codebook_size: 2 } as const;
    const sizes = { ...codec, width: 8, blocks: 1, fine_width: 6, fine_blocks: 1 };
    const [pieces, frames, context] = [2, 4, 2];
    const graph = new g.Graph();
    const z = graph.input('z', 'float32', [pieces, frames + 2 * context, codec.dims]);
    const wave = synthesize(decoderSpectra(z, sizes));
    const target = graph.input('target', 'float32', wave.shape as number[]);
    const { loss } = codecLoss(wave, target);
    await checkDirections(
      graph,
      loss,
      {
        z: normal('z', [pieces, frames + 2 * context, codec.dims]),
        target: normal('target', wave.shape as number[], 0.1),
        ...randomParameters(graph, 'codec'),
      },
      // Logarithms of near-silent bins make this loss rough: only small steps see its slope.
      { reach: 2e-4, tolerance: 1e-2 },
    );
  });
});
