/** One training run: its stages with checkpoints, held-out losses on the way, and the measures at its end. */
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../src/errors.js';
import { Graph } from '../src/graph/index.js';
import { type TrainingSizes, trainingLoss } from '../src/model/index.js';
import { Random } from '../src/random.js';
import { initialLanguageModel, openSafetensors, readLog, Trainer, toFloat32, train } from '../src/train/index.js';
import { fitAdaptor } from '../src/train/nano/adaptor.js';
import type { Example, Sample } from '../src/train/nano/samples.js';
import { WORD_CLASSES } from '../src/train/nano/spoken.js';
import { Lessons } from './batches.js';
import type { Measures } from './hearing.js';
import type { Material } from './material.js';
import { type Counts, measure } from './measures.js';
import type { Stage, TrainingRun } from './plan.js';
import type { Compute, CurvePoint } from './results.js';
import { heldSample, type SampleKind, type Speech } from './samples.js';
import { Scorer } from './scorer.js';
import { stepFlops } from './sizes.js';
import { Talker } from './talker.js';

export interface TrainRunOptions {
  material: Material;
  sizes: TrainingSizes;
  counts: Counts;
  /** folder with a folder for each run */
  out: string;
  signal: AbortSignal;
}

export interface Trained {
  compute: Compute;
  curve: CurvePoint[];
  measures: Measures;
  examples: string[];
  firstStep: number;
}

/** Scenes that the adaptor's first values are fitted to. */
const ADAPTOR_SCENES = 100;
/** Scenes of a held-out set: about as many as the batches at the end take. */
const HELD_SCENES = 256;
/** Batches of each held-out set on the way, so many times in a stage unless it is short, and at the end. */
const [FEW, CHECKS, APART] = [6, 8, 40];
export const MANY = 24;
const CHECKPOINT = 'checkpoint.safetensors';
const CHECKPOINT_MINUTES = 1;

/**
 * Trains from where the run stands and measures.
 *
 * @returns undefined where the signal fired while it trained; a checkpoint is then left
 * @throws the signal's reason where it fired while measuring; BagpiperError where the run that it starts from is gone
 */
export async function trainRun(run: TrainingRun, options: TrainRunOptions): Promise<Trained | undefined> {
  const { material, sizes, signal } = options;
  const speech: Speech = { tokenizer: material.tokenizer, config: material.config(run.size) };
  const parameters = firstParameters(run, options, speech);
  const held = heldSets(run.held, material, speech);
  const scorer = await Scorer.create(speech, sizes, parameters, material.threads);
  try {
    const flops = stepFlops(speech.config, sizes);
    const done: StageResult = { compute: noCompute(), curve: [], firstStep: 0 };
    for (const stage of run.stages) {
      const finished = await trainStage(run, stage, { ...options, speech, parameters, held, scorer, flops }, done);
      if (!finished) return undefined;
    }
    const measures: Measures = {};
    for (const [kind, samples] of held) {
      signal.throwIfAborted();
      measures[`held-out loss: ${kind}`] = await scorer.loss(samples, MANY);
    }
    const examples = await measureAll(run, options, speech, parameters, scorer, measures);
    return { ...done, measures, examples };
  } finally {
    await scorer.release();
  }
}

/** Removes what only an unfinished run needs. Pre-training is kept: others start from it. */
export function tidyRun(run: TrainingRun, out: string, needed: boolean): void {
  if (needed) return;
  for (const { name } of run.stages) rmSync(join(out, run.id, name, CHECKPOINT), { force: true });
}

async function measureAll(
  run: TrainingRun,
  { material, counts, signal }: TrainRunOptions,
  speech: Speech,
  parameters: ReadonlyMap<string, Float32Array>,
  scorer: Scorer,
  into: Measures,
): Promise<string[]> {
  const examples: string[] = [];
  if (run.measures.length === 0) return examples;
  const talker = await Talker.open(speech, parameters, material.threads);
  try {
    for (const name of run.measures) {
      process.stderr.write(`${run.id}: ${name} ...\n`);
      const { direct } = run;
      const found = await measure(name, { material, speech, talker, scorer, counts, direct, signal });
      Object.assign(into, found.measures);
      examples.push(...found.examples);
    }
  } finally {
    await talker.release();
  }
  return examples;
}

/** Parameters before the first step: random ones, whose adaptor is fitted to the scenes' labels, or another run's. */
function firstParameters(run: TrainingRun, { material, out }: TrainRunOptions, speech: Speech) {
  const { config, tokenizer } = speech;
  const language = initialLanguageModel(config, new Random(`experiments/${run.seed}/weights`));
  if (run.from !== undefined) {
    const path = join(out, run.from, 'main', CHECKPOINT);
    if (!existsSync(path)) {
      throw new BagpiperError(
        `${path} is missing, from which ${run.id} starts; remove the result of ${run.from}, and it is trained again.`,
      );
    }
    const file = openSafetensors(path);
    for (const [name, values] of language) values.set(toFloat32(file.tensor(`parameter/${name}`)));
    return language;
  }
  const width = config.adaptor_input_dim;
  // A word head that is sure of silence: the encoder's own belongs to its training alone and is not shipped.
  const words = { weight: new Float32Array(WORD_CLASSES * width), bias: new Float32Array(WORD_CLASSES) };
  words.bias[0] = 1;
  const fit = fitAdaptor({
    clips: material.learn.slice(0, ADAPTOR_SCENES),
    words,
    tokenizer,
    embeddings: language.get('model.embed_tokens.weight')!,
    firstText: config.text_token_offset,
    hidden: config.hidden_size,
    width,
  });
  language.get('adaptor.continuous_audio.weight')!.set(fit.weight);
  language.get('adaptor.continuous_audio.bias')!.set(fit.bias);
  return language;
}

/** The same samples for every run and seed. */
function heldSets(kinds: readonly SampleKind[], { held }: Material, speech: Speech): Map<SampleKind, Sample[]> {
  return new Map(kinds.map((kind) => [kind, heldSet(kind, held, speech)]));
}

/** A kind of sample of the first held-out scenes, always worded alike. */
export function heldSet(kind: SampleKind, held: readonly Example[], speech: Speech): Sample[] {
  return held.slice(0, HELD_SCENES).map((example, i) => heldSample(kind, example, speech, `held/${kind}/${i}`));
}

const noCompute = (): Compute => ({ steps: 0, flops: 0, readTokens: 0, scoredTokens: 0, samples: 0 });

/** Summed over the stages so far. */
interface StageResult {
  compute: Compute;
  curve: CurvePoint[];
  firstStep: number;
}

interface StageOptions extends TrainRunOptions {
  speech: Speech;
  parameters: Map<string, Float32Array>;
  held: ReadonlyMap<SampleKind, Sample[]>;
  scorer: Scorer;
  /** of a step */
  flops: number;
}

/** @returns whether it is finished */
async function trainStage(run: TrainingRun, stage: Stage, options: StageOptions, so: StageResult): Promise<boolean> {
  const { material, sizes, speech, parameters, held, scorer, flops } = options;
  const { schedule, mixture, name } = stage;
  const graph = new Graph();
  const trainer = await Trainer.create(graph, trainingLoss(graph, speech.config, sizes), parameters, {
    threads: material.threads,
    weightDecay: 0.01,
    frozen: (parameter) => stage.frozenLayers && parameter.startsWith('model.layers.'),
  });
  const lessons = new Lessons(material.learn, mixture, sizes, speech, `experiments/${run.seed}/${name}`);
  const folder = join(options.out, run.id, name);
  mkdirSync(folder, { recursive: true });
  const every = Math.max(APART, Math.round(schedule.steps / CHECKS));
  let last = { samples: 0, scored: 0 };
  let first: number | undefined;
  try {
    const { finished } = await train(
      trainer,
      async (step) => {
        first ??= step;
        const batch = lessons.at(step);
        last = { samples: batch.samples, scored: batch.denominator };
        return batch;
      },
      {
        out: folder,
        name: `${run.id}, ${name}`,
        schedule,
        clip: 1,
        settings: { stage, sizes, seed: run.seed, size: run.size, from: run.from ?? null, data: material.digest },
        checkpointMinutes: CHECKPOINT_MINUTES,
        plot: false,
        signal: options.signal,
        onStep: async (step) => {
          if (step % every !== 0 && step !== schedule.steps) return last;
          const losses: Record<string, number> = {};
          for (const [kind, samples] of held) losses[`held ${kind}`] = await scorer.loss(samples, FEW);
          return { ...last, ...losses };
        },
      },
    );
    so.firstStep += first ?? schedule.steps;
    addLog(folder, flops, so);
    return finished;
  } finally {
    await trainer.release();
  }
}

/** Counts and curve of a stage from its log, which survives stops, added to those of the stages before. */
function addLog(folder: string, flops: number, { compute, curve }: StageResult): void {
  for (const line of readLog(join(folder, 'log.jsonl'))) {
    compute.steps++;
    compute.flops += flops;
    compute.readTokens += line.tokens;
    compute.scoredTokens += Number(line.scored);
    compute.samples += Number(line.samples);
    const losses = Object.entries(line).filter(([name]) => name.startsWith('held '));
    if (losses.length === 0) continue;
    const named = losses.map(([name, value]) => [name.slice('held '.length), Number(value)]);
    curve.push({ step: compute.steps, flops: compute.flops, losses: Object.fromEntries(named) });
  }
}
