/** The process of one measurement: it is told what to do, says what it found, and waits to be ended. */
import { messageOf } from '../../src/errors.js';
import { bandwidth } from './bandwidth.js';
import { bareRates } from './bare.js';
import { engineRates } from './engine-job.js';
import type { FromJob, JobName, Results, ToJob } from './jobs.js';
import { llamaRates } from './llama.js';
import { networkRates } from './networks.js';
import type { JobSettings } from './scale.js';

const JOBS: { [Name in JobName]: (settings: JobSettings) => Promise<Results[Name]> } = {
  bandwidth,
  bare: bareRates,
  engine: engineRates,
  networks: networkRates,
  llama: llamaRates,
};

process.once('message', async ({ name, settings }: ToJob) => {
  const tell = (message: FromJob): void => void process.send!(message);
  try {
    tell({ result: await JOBS[name](settings) });
  } catch (error) {
    tell({ failure: messageOf(error) });
  }
});
