/**
 * train/: training in this process. `trainingLoss` (model/) with its gradients is one graph; `Trainer` runs it and lets
 * AdamW change the parameters; `train` makes a run of it: schedule, log, progress, plot, and checkpoints from which a
 * killed run continues exactly. `Epochs` and `layBatch` put samples into batches. docs/training.md explains it with an
 * example. train/nano rebuilds the shipped model with what is here; train/records reads ESPnet's manifests and dialogues, and
 * train/tune is `bagpiper train` on them.
 *
 * What an own training needs from the rooms above is handed on, so that `bagpiper/train` is enough.
 */
export { Graph } from '../graph/index.js';
export {
  type BagpiperConfig,
  buildRows,
  drawKeptMessage,
  dropConditions,
  languageModelTensors,
  type Message,
  type Pack,
  packGrids,
  parseConfig,
  type TokenGrid,
  type TrainingSizes,
  trainingLoss,
} from '../model/index.js';
export { Random } from '../random.js';
export type { Value } from '../runtime/index.js';
export { openSafetensors, toFloat32, writeSafetensors } from '../weights/index.js';
export { type Batch, layBatch, type PackedRow } from './batch.js';
export { type Checkpoint, loadCheckpoint, saveCheckpoint } from './checkpoint.js';
export { type CtcResult, ctc, ctcGreedy } from './ctc.js';
export { Epochs } from './epochs.js';
export { initialLanguageModel } from './initial.js';
export { type LogLine, parseLog, readLog } from './log.js';
export { type Learner, type RunOptions, type RunResult, type StepBatch, train } from './loop.js';
export { AdamW, type AdamWOptions, type OptimizerState, type StepResult } from './optimizer.js';
export { plotLog } from './plot.js';
export { type Replica, type ReplicaMaker, type ReplicaPlace, type ReplicaStep, Replicas } from './replicas.js';
export { learningRate, type ScheduleOptions } from './schedule.js';
export { type Gradients, Trainer, type TrainerOptions, type TrainStep } from './trainer.js';
export {
  parseTuneSettings,
  readTuneSettings,
  type TuneOptions,
  type TuneResult,
  type TuneSettings,
  tune,
} from './tune/index.js';
