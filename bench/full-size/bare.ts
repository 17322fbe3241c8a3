/** The matrices of a model in blocks and nothing else: what a step would take if it were only matrix products. */
import {
  type BlockMatrix,
  codeBytes,
  Graph,
  matmulBlocks,
  rowScales,
  slice,
  stackedBlocks,
  type Tensor,
} from '../../src/graph/index.js';
import { openModel } from '../../src/model/bagpiper.js';
import { type BagpiperConfig, textHead } from '../../src/model/index.js';
import { Random } from '../../src/random.js';
import { Session, type SessionOptions } from '../../src/runtime/index.js';
import { secondsSince } from '../measure.js';
import { type Memory, memoryOf } from './memory.js';
import type { JobSettings } from './scale.js';

/** Steps that are not counted: the first ones bring the weights into memory. */
const WARM = 2;

export interface BareRates {
  /** seconds of a pass through all layers, for one row and for two, and of the text head for one row */
  layers: number;
  layersOfTwo: number;
  head: number;
  /** bytes of weights that one row reads, as ONNX Runtime keeps them: of all layers, of the head */
  layerBytes: number;
  headBytes: number;
  loaded: Memory | undefined;
}

/** All layers' products, each fed by the one before, of rows [n, hidden]. */
function layersGraph(config: BagpiperConfig, options: SessionOptions): { graph: Graph; bytes: number } {
  const graph = new Graph(options);
  const { hidden_size: hidden, intermediate_size: intermediate } = config;
  const width = config.num_attention_heads * config.head_dim;
  let bytes = 0;
  const product = (x: Tensor, layer: number, parts: readonly string[]): Tensor => {
    const matrices = parts.map((part) => graph.blocks(`model.layers.${layer}.${part}_proj.weight`)!);
    const together = stackedBlocks(matrices);
    if (!together) throw new Error(`${parts.join(', ')} of layer ${layer} do not follow each other in their file`);
    bytes += packedBytes(together);
    return matmulBlocks(x, together);
  };
  let x = graph.input('x', 'float32', ['n', hidden]);
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const qkv = product(x, i, ['self_attn.q', 'self_attn.k', 'self_attn.v']);
    const y = product(slice(qkv, 1, 0, width), i, ['self_attn.o']);
    const both = product(y, i, ['mlp.gate', 'mlp.up']);
    x = product(slice(both, 1, 0, intermediate), i, ['mlp.down']);
  }
  graph.output('y', x);
  return { graph, bytes };
}

/** ONNX Runtime keeps beside codes and scales what each block's zero point adds: a number a block. */
const packedBytes = ({ rows, ...matrix }: BlockMatrix): number => rows * (codeBytes(matrix) + 8 * rowScales(matrix));

/** Mean seconds of a run on `rows` random rows. */
async function time(session: Session, input: string, width: number, rows: number, steps: number): Promise<number> {
  const random = new Random(rows);
  const data = Float32Array.from({ length: rows * width }, () => random.normal());
  const seconds: number[] = [];
  for (let i = -WARM; i < steps; i++) {
    const start = performance.now();
    await session.run({ [input]: { data, dims: [rows, width] } });
    if (i >= 0) seconds.push(secondsSince(start));
  }
  return seconds.reduce((a, b) => a + b, 0) / steps;
}

export async function bareRates({ folder, threads, steps }: JobSettings): Promise<BareRates> {
  const { config, blocks, tensor } = openModel(folder);
  const options: SessionOptions = { threads, blocks, parameters: (name) => ({ data: tensor(name) }) };
  const width = config.hidden_size;
  const { graph, bytes } = layersGraph(config, options);
  const layers = await Session.create(graph, options);
  const headGraph = new Graph(options);
  textHead(headGraph, config);
  const head = await Session.create(headGraph, options);
  const share = config.text_token_end / config.vocab_size;
  const matrix = blocks('lm_head.weight')!;
  const result = {
    layers: await time(layers, 'x', width, 1, steps.decode),
    layersOfTwo: await time(layers, 'x', width, 2, Math.ceil(steps.decode / 2)),
    head: await time(head, 'hidden', width, 1, steps.decode),
    layerBytes: bytes,
    headBytes: share * packedBytes(matrix),
    loaded: memoryOf('self'),
  };
  await layers.release();
  await head.release();
  return result;
}
