/** X-Codec where its halves meet: the semantic encoder after HuBERT, and the quantizer over both encoders' channels. */
import { add, concat, elu, type Graph, reshape, type Tensor, transpose } from '../../graph/index.js';
import { affine, conv1d, convLength, residualCodes, type Window } from '../../nn/index.js';
import { codebookCount, semanticChannels, type XcodecConfig } from './xcodec-config.js';

const NAME = 'encoder_semantic';

/** The convolution that ends a block. */
const blockWindow = (stride: number): Window => {
  const kernel = stride === 1 ? 3 : 2 * stride;
  return { kernel, stride, padding: Math.floor((kernel - 1) / 2) };
};

/** HuBERT's mean state [1, hidden_size, frames] -> [1, hidden_size, frames]. */
export function semanticEncoder(states: Tensor, config: XcodecConfig): Tensor {
  const { kernel_size: kernel, unit_kernel_size: unit, block_dilations } = config;
  const channels = semanticChannels(config);
  let x = conv1d(states, `${NAME}.conv`, states.size(1), { kernel, padding: (kernel - 1) / 2, bias: false });
  for (const [i, stride] of config.strides.entries()) {
    const block = `${NAME}.conv_blocks.${i}`;
    const width = x.size(1);
    for (const [j, dilation] of block_dilations.entries()) {
      const name = `${block}.res_units.${j}`;
      const window = { kernel: unit, padding: ((unit - 1) / 2) * dilation, dilation, bias: false };
      const near = conv1d(elu(x), `${name}.conv1`, width, window);
      x = add(x, conv1d(elu(near), `${name}.conv2`, width, { kernel: 1, bias: false }));
    }
    x = conv1d(x, `${block}.conv`, channels[i], blockWindow(stride));
  }
  return x;
}

/** Frames that the semantic encoder makes of so many of HuBERT's. */
export function semanticFrames(frames: number, { strides }: XcodecConfig): number {
  return strides.reduce((length, stride) => convLength(length, blockWindow(stride)), frames);
}

/** The name of a codebook's tensor [codebook_size, codebook_dim]. */
export const codebookName = (k: number): string => `quantizer.quantizers.${k}.codebook.embed`;

/**
 * Inputs `acoustic` and `semantic` [1, channels, frames] -> outputs `embeddings` [frames, codebook_dim] and `codes0`, `codes1`
 * ... int64 [frames].
 */
export function quantizerGraph(graph: Graph, config: XcodecConfig): void {
  const { acoustic_model_config, semantic_model_config, codebook_size, codebook_dim: dims } = config;
  const acoustic = graph.input('acoustic', 'float32', [1, acoustic_model_config.hidden_size, 'frames']);
  const semantic = graph.input('semantic', 'float32', [1, semantic_model_config.hidden_size, 'frames']);
  const rows = reshape(transpose(concat([acoustic, semantic], 1), [0, 2, 1]), ['frames', dims]);
  const embeddings = affine(rows, 'fc', dims);
  graph.output('embeddings', embeddings);
  const books = Array.from({ length: codebookCount(config) }, (_, k) =>
    graph.parameter(codebookName(k), [codebook_size, dims]),
  );
  for (const [k, codes] of residualCodes(embeddings, books).entries()) graph.output(`codes${k}`, codes);
}
