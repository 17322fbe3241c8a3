/** A worker in a process of its own, to be killed: ADDRESS JOBS LOST_AFTER. */
import { runWorker } from '../../../src/data/queue/index.js';
import { countingStage } from './stages.js';

const [address, jobs, lostAfter] = process.argv.slice(2);
const drain = new AbortController();
process.on('SIGTERM', () => drain.abort());
const done = await runWorker(address, {
  open: countingStage,
  signal: drain.signal,
  jobs: Number(jobs),
  lostAfter: Number(lostAfter),
  warn: (text) => process.stderr.write(`${text}\n`),
});
process.stdout.write(`${done}\n`);
