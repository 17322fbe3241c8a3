/** tune/: `bagpiper train`: settings from a file, records (../records) to batches, stages, and what the model says along the way. */

export { beginRun } from './describe.js';
export { type TuneOptions, type TuneResult, tune } from './run.js';
export { parseTuneSettings, readTuneSettings, type TuneSettings, type TuneStage } from './settings.js';
