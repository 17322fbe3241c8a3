/** The reference model, its conversations and batches for training tests, read from test/fixtures/golden/lm. */
import { Graph } from '../../src/graph/index.js';
import {
  type BagpiperConfig,
  buildRows,
  languageModelTensors,
  type Message,
  type TokenGrid,
  type TrainingSizes,
  trainingLoss,
} from '../../src/model/index.js';
import type { GoldenCase, GoldenMessage } from '../../src/model/parity-sequences.js';
import { Trainer, type TrainerOptions } from '../../src/train/trainer.js';
import { openSafetensors, toFloat32 } from '../../src/weights/index.js';
import { GOLDEN, goldenConfig, goldenJson } from '../model/golden.js';

export const config: BagpiperConfig = goldenConfig();

const cases = new Map(goldenJson<{ cases: GoldenCase[] }>('sequences.json').cases.map((c) => [c.name, c]));

function message({ role, modality, text_ids, codes, frames }: GoldenMessage): Message {
  if (modality === 'text') return { role, modality, textIds: text_ids! };
  if (codes && role === 'assistant') return { role, modality, codes: Int32Array.from(codes.flat()) };
  return { role: role as 'user', modality, frames: frames! };
}

/** The grid of a case of sequences.json. */
export function goldenGrid(name: string): TokenGrid {
  return buildRows(cases.get(name)!.messages.map(message), config, { mode: 'train' });
}

/** A tensor of forward.safetensors. */
export function goldenTensor(name: string): Float32Array {
  return toFloat32(openSafetensors(`${GOLDEN}/forward.safetensors`).tensor(name));
}

/** A fresh copy of the reference weights. */
export function goldenWeights(): Map<string, Float32Array> {
  const file = openSafetensors(`${GOLDEN}/model.safetensors`);
  return new Map([...languageModelTensors(config).keys()].map((name) => [name, toFloat32(file.tensor(name)).slice()]));
}

/** A trainer of the reference model for batches of the given sizes. */
export function goldenTrainer(sizes: TrainingSizes, options: TrainerOptions = {}): Promise<Trainer> {
  const graph = new Graph();
  return Trainer.create(graph, trainingLoss(graph, config, sizes), goldenWeights(), { threads: 1, ...options });
}

/** max |a - b| / max |b| */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let far = 0;
  let top = 0;
  for (let i = 0; i < b.length; i++) {
    far = Math.max(far, Math.abs(a[i] - b[i]));
    top = Math.max(top, Math.abs(b[i]));
  }
  return a.length === b.length ? far / (top || 1) : Number.NaN;
}
