/** A step of nano's language-model training against the machine's own matrix products, side by side in one run. */
import { Graph, gradients } from '../src/graph/index.js';
import { trainingLoss } from '../src/model/index.js';
import { Random } from '../src/random.js';
import { initialLanguageModel } from '../src/train/initial.js';
import { LM_TRAINING, nanoConfig } from '../src/train/nano/settings.js';
import { Trainer } from '../src/train/trainer.js';
import { products, totalFlops } from './flops.js';
import { ownShapesRate, SQUARE, square } from './matmul.js';
import { type BenchOptions, measured, type Row, row, type Seconds } from './measure.js';
import { randomBatch } from './training-batch.js';

/** The target: a step reaches this share of the matmul rate. */
const SHARE = 0.7;

/** The step's products, counted on a graph of its own that is never run. */
function stepProducts() {
  const graph = new Graph();
  const { loss } = trainingLoss(graph, nanoConfig(), LM_TRAINING.sizes);
  graph.output('loss', loss);
  gradients(loss, [...graph.parameters.values()]).forEach((grad, i) => {
    graph.output(`grad/${i}`, grad);
  });
  return products(graph);
}

export async function trainingRows({ threads, runs, progress }: BenchOptions): Promise<Row[]> {
  const config = nanoConfig();
  const { sizes } = LM_TRAINING;
  const list = stepProducts();
  const flops = totalFlops(list);
  progress('matrix products of the training step, one by one');
  const own = [await ownShapesRate(list, threads)];
  const graph = new Graph();
  const parameters = initialLanguageModel(config, new Random('bench'));
  const scalars = trainingLoss(graph, config, sizes);
  const trainer = await Trainer.create(graph, scalars, parameters, { threads, weightDecay: 0.01 });
  const batch = randomBatch(sizes, config, new Random('bench batch'));
  const big = await square(threads);
  await trainer.step(batch.inputs, 1e-4);
  const seen: Seen[] = [];
  for (let i = 0; i < runs; i++) {
    progress(`training step ${i + 1} of ${runs}`);
    // Products before and after the step, so that what else the machine does weighs on both alike.
    const before = await big.time();
    let grads = new Map<string, Float32Array>();
    const evaluation = await measured(async () => {
      grads = (await trainer.evaluate(batch.inputs)).grads;
    });
    const update = await measured(async () => trainer.optimizer.step(grads, 1e-4));
    seen.push({ step: sum(evaluation, update), graph: evaluation, square: sum(before, await big.time()) });
  }
  await trainer.release();
  await big.release();
  progress('matrix products of the training step, one by one, again');
  own.push(await ownShapesRate(list, threads));
  const tokens = seen.map(({ step }) => batch.tokens / step.clock);
  return [
    row('training: tokens', 'tokens/s', tokens),
    row('training: step', 's', clocks(seen, 'step')),
    row('training: step, loss and gradients only', 's', clocks(seen, 'graph')),
    ...rateRows(flops, seen, own),
  ];
}

type Seen = { step: Seconds; graph: Seconds; square: Seconds };

const sum = (a: Seconds, b: Seconds): Seconds => ({ clock: a.clock + b.clock, processor: a.processor + b.processor });

const clocks = (seen: readonly Seen[], which: keyof Seen): number[] => seen.map((s) => s[which].clock);

/** @param own rates of the step's own products alone, before and after the steps */
function rateRows(flops: number, seen: readonly Seen[], own: readonly number[]): Row[] {
  const squareFlops = 2 * 2 * SQUARE ** 3;
  const target = { text: `at least ${SHARE}`, met: (x: number) => x >= SHARE };
  const giga = (rates: readonly number[]): number[] => rates.map((x) => x / 1e9);
  const ownRate = own.reduce((a, b) => a + b, 0) / own.length;
  const share = (by: keyof Seconds) => seen.map((s) => flops / s.step[by] / (squareFlops / s.square[by]));
  const rates = clocks(seen, 'step').map((s) => flops / s);
  const ofOwn = rates.map((x) => x / ownRate);
  return [
    row('training: rate', 'GFLOP/s', giga(rates)),
    row(
      `matmul: ${SQUARE} x ${SQUARE} x ${SQUARE}`,
      'GFLOP/s',
      giga(clocks(seen, 'square').map((s) => squareFlops / s)),
    ),
    row("matmul: the step's own shapes, alone", 'GFLOP/s', giga(own)),
    row('training: rate / large matmul', '', share('clock'), { target }),
    row('training: the same by processor time', '', share('processor')),
    row("training: rate / the step's own shapes", '', ofOwn),
  ];
}
