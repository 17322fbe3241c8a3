/** X-Codec's networks as graphs with inputs and outputs, each of which is compiled when it is first needed. */
import { type Graph, type Tensor, transpose } from '../../graph/index.js';
import { affine } from '../../nn/index.js';
import type { XcodecConfig } from './xcodec-config.js';
import { dacDecoder, dacEncoder } from './xcodec-dac.js';
import { firstLayerStatistics, hubert, waveVectors } from './xcodec-hubert.js';
import { quantizerGraph, semanticEncoder } from './xcodec-semantic.js';

/** A network on a graph. Inputs may have one size that is known only when it runs; outputs are named. */
type Network = (graph: Graph, config: XcodecConfig) => void;

/** `wave` [1, 1, samples] -> `mean` and `variance` [1, channels, 1] of HuBERT's first layer. */
function statistics(graph: Graph, { semantic_model_config }: XcodecConfig): void {
  const wave = graph.input('wave', 'float32', [1, 1, 'samples']);
  const { mean, variance } = firstLayerStatistics(wave, semantic_model_config);
  graph.output('mean', mean);
  graph.output('variance', variance);
}

/** `wave` [1, 1, samples], `mean` and `variance` of the whole clip -> `vectors` [1, frames, channels]. */
function vectors(graph: Graph, { semantic_model_config: config }: XcodecConfig): void {
  const wave = graph.input('wave', 'float32', [1, 1, 'samples']);
  const [mean, variance] = ['mean', 'variance'].map((name) => graph.input(name, 'float32', [1, config.conv_dim[0], 1]));
  graph.output('vectors', waveVectors(wave, mean, variance, config));
}

/** `vectors` [1, frames, channels] -> `states` (HuBERT's mean) and `semantic`, each [1, hidden_size, frames]. */
function semantic(graph: Graph, config: XcodecConfig): void {
  const { semantic_model_config } = config;
  const input = graph.input('vectors', 'float32', [1, 'frames', semantic_model_config.conv_dim.at(-1)!]);
  const states = hubert(input, semantic_model_config);
  graph.output('states', states);
  graph.output('semantic', semanticEncoder(states, config));
}

/** `samples` [1, 1, samples] -> `acoustic` [1, hidden_size, frames]. */
function acoustic(graph: Graph, { acoustic_model_config }: XcodecConfig): void {
  graph.output('acoustic', dacEncoder(graph.input('samples', 'float32', [1, 1, 'samples']), acoustic_model_config));
}

/** `sums` of code vectors [1, frames, codebook_dim] -> what the decoder starts from, [1, hidden_size, frames]. */
function entrance(graph: Graph, { codebook_dim, acoustic_model_config: { hidden_size } }: XcodecConfig): Tensor {
  const sums = graph.input('sums', 'float32', [1, 'frames', codebook_dim]);
  return transpose(affine(sums, 'fc2', hidden_size), [0, 2, 1]);
}

/** -> `samples` [1, 1, frames * hop]. */
function decoder(graph: Graph, config: XcodecConfig): void {
  graph.output('samples', dacDecoder(entrance(graph, config), config.acoustic_model_config));
}

/** -> `latents` [1, hidden_size, frames], for checks. */
function latents(graph: Graph, config: XcodecConfig): void {
  graph.output('latents', entrance(graph, config));
}

export const XCODEC_NETWORKS = {
  statistics,
  vectors,
  semantic,
  acoustic,
  quantizer: quantizerGraph,
  decoder,
  latents,
} satisfies Record<string, Network>;

export type XcodecNetwork = keyof typeof XCODEC_NETWORKS;
