/**
 * run/: the folder of a run and what works on it. A stage's file is appended to, safe at every byte, and put into the order
 * of the inputs at the end; the runner decides what is still to be done.
 */
export { attempt, type Executor, localExecutor } from './executor.js';
export { checkId, IdIndex, type State } from './ids.js';
export { Journal, type Rewritten } from './journal.js';
export { type Inputs, inputsOf, linesIn, resultsIn } from './lines.js';
export { Lookup } from './lookup.js';
export type { Counts, Manifest, StageEntry } from './manifest.js';
export { Meter, type Progress } from './progress.js';
export { manifestOf, type OpenRunOptions, Run, stageFile } from './run.js';
export { type RunStageOptions, runStage, type StageOutcome } from './runner.js';
export { addUsage, costOf, noUsage } from './usage.js';
