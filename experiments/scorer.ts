/** Held-out losses: the training graph without its gradients, on parameters that go on changing elsewhere. */
import { Graph } from '../src/graph/index.js';
import { type TrainingSizes, trainingLoss } from '../src/model/index.js';
import { Session, type Value } from '../src/runtime/index.js';
import type { Sample } from '../src/train/nano/samples.js';
import { fixedBatches } from './batches.js';
import type { Speech } from './samples.js';

export class Scorer {
  private constructor(
    private readonly session: Session,
    private readonly inputs: Readonly<Record<string, Value>>,
    private readonly sizes: TrainingSizes,
    private readonly speech: Speech,
  ) {}

  /**
   * @param training the batches of training: the scorer's have the same rows, and room for all that may be in them
   * @param parameters read in place at every use
   */
  static async create(
    speech: Speech,
    training: TrainingSizes,
    parameters: ReadonlyMap<string, Float32Array>,
    threads: number,
  ): Promise<Scorer> {
    const places = training.batch * training.rows;
    const sizes = { ...training, scored: places, scoredCodes: places, features: places };
    const graph = new Graph();
    graph.output('loss', trainingLoss(graph, speech.config, sizes).loss);
    const inputs: Record<string, Value> = {};
    for (const [name, { shape }] of graph.parameters)
      inputs[name] = { data: parameters.get(name)!, dims: shape as number[] };
    return new Scorer(await Session.create(graph, { threads }), inputs, sizes, speech);
  }

  /**
   * The loss of samples by the published formula: nats for each scored row, in which a row of codes counts the mean of its
   * streams. Each row weighs the same in whatever batch it lies; samples that are longer than a row of a batch are left out.
   *
   * @returns NaN where nothing is scored
   */
  async loss(samples: readonly Sample[], mostBatches = Number.POSITIVE_INFINITY): Promise<number> {
    if (samples.every(({ grid }) => grid.length > this.sizes.rows)) return Number.NaN;
    let [sum, rows] = [0, 0];
    for (const { inputs, denominator } of fixedBatches(samples, this.sizes, this.speech, mostBatches)) {
      const { loss } = await this.session.run({ ...this.inputs, ...inputs });
      sum += Number(loss.data[0]) * denominator;
      rows += denominator;
    }
    return sum / rows;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
