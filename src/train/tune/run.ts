/** `bagpiper train`: trains a model's language model on records, stage after stage, and leaves a model folder. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { Graph } from '../../graph/index.js';
import { type Model, openModel } from '../../model/bagpiper.js';
import {
  type BagpiperConfig,
  type JsonObject,
  languageModelTensors,
  packGrids,
  parseConfig,
  type TrainingSizes,
  trainingLoss,
} from '../../model/index.js';
import { Random } from '../../random.js';
import { modelSource } from '../../tasks/index.js';
import { layBatch } from '../batch.js';
import { Epochs } from '../epochs.js';
import { type Audition, auditionName, readHeard } from '../heard.js';
import { initialLanguageModel } from '../initial.js';
import { type StepBatch, train } from '../loop.js';
import type { Progress } from '../progress.js';
import { Ears } from '../records/heard.js';
import { readConversations } from '../records/read.js';
import { type PrepareOptions, SampleSet, shownOf } from '../records/samples.js';
import type { Conversation, DataSource } from '../records/types.js';
import { Trainer } from '../trainer.js';
import { audition } from './audition.js';
import { beginRun } from './describe.js';
import { writeTunedModel } from './folder.js';
import type { TuneSettings, TuneStage } from './settings.js';

export interface TuneOptions {
  signal?: AbortSignal;
  /** stop after so many minutes, with a checkpoint */
  maxMinutes?: number;
  /** says what is going on */
  onProgress?: (text: string) => void;
  /** says what the user should know */
  warn?: (text: string) => void;
  /** hears that a stage begins; its log and plot lie in `folder` */
  onStage?: (stage: { name: string; number: number; of: number; folder: string }) => void;
  /** hears how far a stage is; default: a line on stderr */
  onStep?: (progress: Progress) => void;
  /** hears what the model was asked along the way, and said */
  onHeard?: (audition: Audition) => void;
}

export interface TuneResult {
  finished: boolean;
  /** the model folder */
  out: string;
  /** stage that was reached, and its step */
  stage: string;
  step: number;
}

/** Larger models do not fit one process with their gradients and moments; the official recipe trains them. */
const LARGEST = 1e9;
/** Fields of `sizes`: what the language model alone depends on. */
const SIZES = ['hidden_size', 'intermediate_size', 'num_hidden_layers', 'num_attention_heads', 'num_key_value_heads'];
const MORE_SIZES = ['head_dim', 'rope_theta', 'rms_norm_eps', 'max_position_embeddings'];
/** Samples of a held-out set that are scored: enough for a curve. */
const HELD_BATCHES = 4;

/** A run's model: what it starts from, and what is trained. */
interface Subject {
  start: Model;
  /** the new config.json */
  json: JsonObject;
  config: BagpiperConfig;
  language: Map<string, Float32Array>;
}

/**
 * Runs the stages from where `out` stands. What is stopped goes on when called again with the same settings.
 *
 * @throws BagpiperError for data, folders and settings that do not fit; the signal's reason while sounds are prepared
 */
export async function tune(settings: TuneSettings, options: TuneOptions = {}): Promise<TuneResult> {
  const { out, stages } = settings;
  const subject = openSubject(settings);
  beginRun(settings);
  const ears = new Ears(subject.start, settings.cache, settings.threads);
  const until = Date.now() + (options.maxMinutes ?? Number.POSITIVE_INFINITY) * 60_000;
  let result: TuneResult = { finished: true, out, stage: '', step: 0 };
  try {
    for (const [i, stage] of stages.entries()) {
      const run = await Stage.prepare(stage, settings, subject, ears, options);
      options.onStage?.({ name: stage.name, number: i + 1, of: stages.length, folder: join(out, stage.name) });
      const { step, finished } = await run.train(until);
      result = { finished, out, stage: stage.name, step };
      if (!finished) break;
    }
  } finally {
    await ears.release();
  }
  return result;
}

function openSubject(settings: TuneSettings): Subject {
  const start = openModel(modelSource(settings.start));
  const { path } = start.folder;
  if ([...languageModelTensors(start.config).keys()].some((name) => start.blocks(name))) {
    throw new BagpiperError(
      `${path} is stored in few bits, which cannot be trained; start from a folder made by "bagpiper convert --quantize none".`,
    );
  }
  const sizes = settings.sizes;
  const odd = Object.keys(sizes ?? {}).find((name) => !SIZES.includes(name) && !MORE_SIZES.includes(name));
  if (odd)
    throw new BagpiperError(`sizes: ${odd} cannot be set; accepted are ${[...SIZES, ...MORE_SIZES].join(', ')}.`);
  const json = { ...(start.folder.config as JsonObject), ...sizes };
  const config = parseConfig(json, sizes ? `${start.folder.configFile} with the sizes given` : start.folder.configFile);
  const shapes = [...languageModelTensors(config)];
  const count = shapes.reduce((sum, [, shape]) => sum + shape.reduce((a, b) => a * b, 1), 0);
  if (count > LARGEST) {
    throw new BagpiperError(
      `${path} has a language model of ${(count / 1e9).toFixed(1)} billion numbers; up to 1 billion are trained here. Use "bagpiper data export espnet" and the official recipe.`,
    );
  }
  const language = sizes
    ? initialLanguageModel(config, new Random(settings.seed))
    : new Map(shapes.map(([name]) => [name, start.tensor(name)]));
  return { start, json, config, language };
}

/** One stage with its data at hand. */
class Stage {
  private readonly sizes: TrainingSizes;
  private readonly epochs: Epochs;

  private constructor(
    private readonly stage: TuneStage,
    private readonly settings: TuneSettings,
    private readonly subject: Subject,
    private readonly config: BagpiperConfig,
    private readonly learn: SampleSet,
    private readonly held: SampleSet | undefined,
    /** stands for the data in the checkpoint */
    private readonly digest: string,
    private readonly options: TuneOptions,
  ) {
    this.sizes = trainingSizes(settings, config, [learn, ...(held ? [held] : [])]);
    const { rows, packs, seed } = settings;
    this.epochs = new Epochs(`${seed}/${stage.name}`, learn.lengths, rows, packs, 16);
  }

  static async prepare(
    stage: TuneStage,
    settings: TuneSettings,
    subject: Subject,
    ears: Ears,
    options: TuneOptions,
  ): Promise<Stage> {
    const audio_cfg = stage.audioCfg ?? subject.config.audio_cfg;
    const config = { ...subject.config, audio_cfg };
    const prepare = (conversations: readonly Conversation[], config: BagpiperConfig, what: string) =>
      SampleSet.prepare(conversations, {
        ears,
        tokenizer: subject.start.tokenizer,
        config,
        rows: settings.rows,
        signal: options.signal,
        onProgress: (done, count) => options.onProgress?.(`Listening to ${what}: ${done} of ${count}`),
      } satisfies PrepareOptions);
    const shown = readAll(stage.data, `${settings.seed}/${stage.name}`);
    const learn = await prepare(shown, config, `the samples of ${stage.name}`);
    if (learn.left.length > 0) {
      const [{ id, why }] = learn.left;
      options.warn?.(
        `${learn.left.length} of ${shown.length} samples of ${stage.name} are too long and left out, "${id}" first: ${why}`,
      );
    }
    const valid = readAll(settings.valid, settings.seed);
    const certain = { ...config, audio_cfg: 0 };
    const held = valid.length > 0 ? await prepare(valid, certain, 'the held-out samples') : undefined;
    const texts = shown.map(({ id, turns }) => [id, turns.map((t) => ('text' in t ? [t.role, t.text] : t.role))]);
    const digest = createHash('sha256')
      .update(JSON.stringify([texts, learn.lengths]))
      .digest('hex')
      .slice(0, 16);
    return new Stage(stage, settings, subject, config, learn, held, digest, options);
  }

  async train(until: number): Promise<{ step: number; finished: boolean }> {
    const { stage, settings, subject, options } = this;
    const { out, seed, packs, rows } = settings;
    await this.heard(0);
    const trainer = await this.trainer();
    const held = this.heldBatches();
    const { schedule, clip, weightDecay, freeze, audioCfg } = stage;
    const start = subject.start.folder.modelHash().slice(0, 16);
    const recipe = { schedule, clip, weightDecay, freeze, audioCfg, seed, packs, rows, softmax: settings.codecSoftmax };
    try {
      const result = await train(trainer, async (step) => this.batch(step), {
        out: join(out, stage.name),
        name: stage.name,
        schedule,
        clip,
        settings: { ...recipe, sizes: settings.sizes, start, data: this.digest },
        checkpointMinutes: settings.checkpointMinutes,
        maxMinutes: (until - Date.now()) / 60_000,
        signal: options.signal,
        onProgress: options.onStep,
        warn: options.warn,
        onStep: async (step) => {
          const last = step === schedule.steps;
          if (settings.auditions.every > 0 && (last || step % settings.auditions.every === 0)) await this.heard(step);
          if (held.length === 0 || (!last && step % settings.validEvery !== 0)) return undefined;
          return heldLoss(trainer, held);
        },
      });
      this.write(out, result.step);
      return result;
    } finally {
      await trainer.release();
    }
  }

  private async trainer(): Promise<Trainer> {
    const { stage, settings, subject, config } = this;
    const graph = new Graph();
    const loss = trainingLoss(graph, config, this.sizes);
    const idle = stage.freeze.find((start) => ![...graph.parameters.keys()].some((name) => name.startsWith(start)));
    if (idle !== undefined) {
      throw new BagpiperError(
        `${stage.name}: freeze holds "${idle}", with which no trained parameter begins; "model.layers." is an example that does.`,
      );
    }
    return Trainer.create(graph, loss, subject.language, {
      ...(settings.threads === undefined ? {} : { threads: settings.threads }),
      weightDecay: stage.weightDecay,
      frozen: (name) => stage.freeze.some((start) => name.startsWith(start)),
    });
  }

  private batch(step: number): StepBatch {
    const { seed } = this.settings;
    return this.lay(this.learn, this.epochs.at(step), `${seed}/${this.stage.name}/dropout/${step}`);
  }

  private lay(set: SampleSet, bins: readonly number[][], draw: string): StepBatch {
    const rows = bins.map((bin) => {
      const built = bin.map((i) => set.build(i, `${draw}/${i}`));
      const pack = packGrids(
        built.map(({ grid }) => grid),
        this.sizes.rows,
      );
      return { pack, features: built.flatMap(({ features }) => features) };
    });
    return layBatch(rows, this.sizes, this.config);
  }

  private heldBatches(): StepBatch[] {
    const { held } = this;
    if (!held) return [];
    const { rows, packs } = this.settings;
    const bins = new Epochs('held', held.lengths, rows, packs, 16);
    const batches: StepBatch[] = [];
    for (let step = 0; step < HELD_BATCHES && bins.epochOf(step) === 0; step++) {
      batches.push(this.lay(held, bins.at(step), 'held'));
    }
    return batches;
  }

  /** Writes the model as it is now, and what it makes of the auditions. */
  private async heard(step: number): Promise<void> {
    const { auditions, out, threads } = this.settings;
    if (auditions.every === 0) return;
    const { name: stage } = this.stage;
    const name = auditionName(stage, step);
    const folder = join(out, 'samples', name);
    // Heard before a stop: the same steps give the same model again.
    if (existsSync(folder)) return;
    const model = join(out, 'samples', 'model');
    this.write(model, step);
    await audition(auditions, { model, out: folder, threads, signal: this.options.signal });
    this.options.onHeard?.({ name, stage, step, heard: readHeard(folder) });
  }

  private write(folder: string, step: number): void {
    const { start, json, language } = this.subject;
    writeTunedModel(folder, start, json, language, {
      start: start.folder.modelHash().slice(0, 16),
      stage: this.stage.name,
      step: String(step),
      seed: this.settings.seed,
    });
  }
}

function readAll(sources: readonly DataSource[], seed: string): Conversation[] {
  const read = sources.map((source) => ({ source, conversations: readConversations(source) }));
  return shownOf(read, seed);
}

/** Room for what is scored: the sets' share and a quarter more; where a batch has more, a selection stands for the rest. */
function trainingSizes(settings: TuneSettings, config: BagpiperConfig, sets: readonly SampleSet[]): TrainingSizes {
  const { packs: batch, rows, codecSoftmax } = settings;
  const places = batch * rows;
  const room = (share: number): number => Math.min(places, Math.ceil(places * share * 1.25) + 32);
  const largest = (kind: 'text' | 'codes'): number => Math.max(...sets.map(({ scored }) => scored[kind]));
  const codes = room(largest('codes'));
  return {
    batch,
    rows,
    scored: room(largest('text')),
    scoredCodes: codecSoftmax === 'own' ? codes : codes * (config.num_stream - 1),
    codecSoftmax,
    features: sets.some(({ hears }) => hears) ? places : 0,
  };
}

async function heldLoss(trainer: Trainer, batches: readonly StepBatch[]): Promise<Record<string, number>> {
  const totals: Record<string, number> = {};
  for (const { inputs } of batches) {
    const { values } = await trainer.evaluate(inputs);
    for (const [name, value] of Object.entries(values)) {
      totals[`held_${name}`] = (totals[`held_${name}`] ?? 0) + value / batches.length;
    }
  }
  return totals;
}
