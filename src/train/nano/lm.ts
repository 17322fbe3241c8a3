/** Trains nano's language model in stages on prepared examples. Each stage starts from the last one's parameters. */
import { isSpeechAlone } from '../../corpus/index.js';
import { Graph } from '../../graph/index.js';
import { type BagpiperConfig, SPELLING, type TrainingSizes, trainingLoss } from '../../model/index.js';
import { Random } from '../../random.js';
import type { Tokenizer } from '../../text/index.js';
import { type Batch, layBatch } from '../batch.js';
import { Epochs } from '../epochs.js';
import { initialSpelling } from '../initial.js';
import { type RunOptions, type RunResult, train } from '../loop.js';
import { Replicas } from '../replicas.js';
import type { ScheduleOptions } from '../schedule.js';
import { Trainer } from '../trainer.js';
import type { LanguageShare } from './lm-replica.js';
import {
  buildSample,
  type Example,
  type Mixture,
  packSamples,
  planPass,
  type Sample,
  type SamplePlan,
  SOUNDING,
} from './samples.js';
import { wordsCheck } from './words-check.js';

export interface StageSettings {
  name: string;
  mixture: Mixture;
  /** of clips with speech alone; absent: the same */
  speech?: Mixture;
  schedule: ScheduleOptions;
  clip: number;
  /** what stays as it is: in the warm-up the decoder layers, as upstream */
  freeze: 'nothing' | 'decoder layers';
  /** clips that the model describes itself before the stage, for samples of the kind `choose` */
  retold?: number;
  /** batches of a step, each trained on by a thread of its own; absent: one, on all threads */
  replicas?: number;
}

export interface StageOptions {
  config: BagpiperConfig;
  sizes: TrainingSizes;
  tokenizer: Tokenizer;
  examples: readonly Example[];
  /** where the replicas of a stage that has some find these examples and the tokenizer */
  replicas?: Pick<LanguageShare, 'examples' | 'tokenizer'>;
  /** held-out examples, for the validation loss */
  held: readonly Example[];
  parameters: Map<string, Float32Array>;
  seed: string;
  out: string;
  threads: number;
  maxMinutes?: number;
  signal?: AbortSignal;
}

/** Passes over the corpus, each newly worded, cut into batches; made when training reaches them. */
export class Stream {
  private plans: SamplePlan[] = [];
  private epochs: Epochs | undefined;
  private samples: (Sample | undefined)[] = [];
  private first = 0;
  private steps = 0;
  private pass = -1;

  constructor(
    private readonly options: Pick<StageOptions, 'config' | 'sizes' | 'tokenizer'>,
    private readonly stage: StageSettings,
    private readonly examples: readonly Example[],
    private readonly seed: string,
  ) {}

  /** The batch of a step; steps must be asked for in rising order. */
  at(step: number): Batch {
    while (!this.epochs || step >= this.first + this.steps) this.nextPass();
    const { config, sizes } = this.options;
    const bins = this.epochs.at(step - this.first);
    return layBatch(
      bins.map((bin) => packSamples(this.withRoom(bin.map((i) => this.sample(i))), sizes.rows)),
      sizes,
      config,
    );
  }

  /** Leaves out what a bin's share of the room for features has no place for; rarely anything. */
  private withRoom(samples: Sample[]): Sample[] {
    const { config, sizes } = this.options;
    let room = Math.floor(sizes.features / sizes.batch) * config.adaptor_input_dim;
    return samples.filter(({ features }) => {
      const needed = features.reduce((n, f) => n + f.length, 0);
      if (needed > room) return false;
      room -= needed;
      return true;
    });
  }

  private sample(index: number): Sample {
    const known = this.samples[index];
    if (known) return known;
    const plan = this.plans[index];
    return buildSample(plan, this.examples[plan.example], this.options.tokenizer, this.options.config);
  }

  private nextPass(): void {
    this.first += this.steps;
    this.pass++;
    const { sizes } = this.options;
    const seed = `${this.seed}/${this.stage.name}/pass/${this.pass}`;
    const { mixture, speech = mixture } = this.stage;
    this.plans = planPass(this.examples, ({ scene }) => (isSpeechAlone(scene) ? speech : mixture), seed);
    this.samples = [];
    const lengths = this.plans.map((_, i) => {
      const sample = this.sample(i);
      this.samples[i] = sample;
      return sample.grid.length;
    });
    this.epochs = new Epochs(seed, lengths, sizes.rows, sizes.batch, 16);
    this.steps = 0;
    while (this.epochs.epochOf(this.steps) === 0) this.steps++;
  }
}

/** Runs one stage to its end (or until the signal or the time limit); parameters change in place. */
export async function trainStage(stage: StageSettings, options: StageOptions): Promise<RunResult> {
  const { config, sizes, seed, parameters } = options;
  if (sizes.spelled !== undefined && !parameters.has(SPELLING)) {
    parameters.set(SPELLING, initialSpelling(config, new Random(`${seed}/spelling`)));
  }
  const trainer = await createStageTrainer(stage, options);
  const check = new Stream(options, stage, options.held, `${seed}/held`);
  const said = sounds(stage) ? wordsCheck(options.held, options, `${seed}/said`) : null;
  const heldBatches = options.held.length > 0 ? [0, 1, 2, 3].map((i) => check.at(i)) : [];
  const run: RunOptions = {
    out: options.out,
    name: stage.name,
    schedule: stage.schedule,
    clip: stage.clip,
    settings: { stage, sizes, seed },
    maxMinutes: options.maxMinutes,
    signal: options.signal,
    onStep: async (step) => {
      if (heldBatches.length === 0 || (step % 200 !== 0 && step !== stage.schedule.steps)) return undefined;
      const totals: Record<string, number> = {};
      for (const batch of heldBatches) {
        const { values } = await trainer.evaluate(batch.inputs);
        for (const [name, value] of Object.entries(values))
          totals[`held_${name}`] = (totals[`held_${name}`] ?? 0) + value / heldBatches.length;
      }
      if (said) totals.held_words = (await foretold(trainer, said.other)) - (await foretold(trainer, said.own));
      process.stderr.write(`${stage.name} step ${step}: ${JSON.stringify(totals)}\n`);
      return totals;
    },
  };
  const result = await (stage.replicas === undefined ? trainAlone : trainReplicas)(trainer, stage, options, run);
  await trainer.release();
  return result;
}

const sounds = ({ mixture, speech = mixture }: StageSettings): boolean =>
  [mixture, speech].some((shares) => [...SOUNDING].some((kind) => (shares[kind] ?? 0) > 0));

/** The loss of what is foretold, without what the model is told besides. */
async function foretold(trainer: Trainer, { inputs }: Batch): Promise<number> {
  const { values } = await trainer.evaluate(inputs);
  return values.text + values.codes;
}

function trainAlone(
  trainer: Trainer,
  stage: StageSettings,
  options: StageOptions,
  run: RunOptions,
): Promise<RunResult> {
  const stream = new Stream(options, stage, options.examples, options.seed);
  return train(trainer, async (step) => stream.at(step), run);
}

/** The trainer of a stage's network. */
export function createStageTrainer(
  stage: StageSettings,
  options: Pick<StageOptions, 'config' | 'sizes' | 'parameters' | 'threads'>,
): Promise<Trainer> {
  const graph = new Graph();
  const frozen = (name: string) => stage.freeze === 'decoder layers' && name.startsWith('model.layers.');
  const { config, sizes, parameters, threads } = options;
  return Trainer.create(graph, trainingLoss(graph, config, sizes), parameters, { threads, weightDecay: 0.01, frozen });
}

async function trainReplicas(
  trainer: Trainer,
  stage: StageSettings,
  { config, sizes, seed, replicas }: StageOptions,
  run: RunOptions,
): Promise<RunResult> {
  if (!replicas) throw new Error(`the stage ${stage.name} has replicas, which need to know where the examples are`);
  const data: LanguageShare = { ...replicas, config, sizes, stage, seed };
  const workers = await Replicas.start(new URL('./lm-replica.js', import.meta.url), data, trainer, stage.replicas!);
  return train(workers, async (step) => ({ inputs: step }), run).finally(() => workers.stop());
}
