/** A worker thread of the corpus builder: takes shard plans one after the other, reports every scene. */
import { parentPort } from 'node:worker_threads';
import { BagpiperError, messageOf } from '../errors.js';
import { type ShardPlan, writeShard } from './shard.js';

/** What a worker tells the builder. */
export type WorkerReport =
  | { kind: 'scene'; seconds: number }
  | { kind: 'done' }
  | { kind: 'failed'; message: string; expected: boolean };

const port = parentPort;
if (!port) throw new Error('this module runs as a worker thread only');
const tell = (report: WorkerReport) => port.postMessage(report);

port.on('message', (plan: ShardPlan) => {
  writeShard(plan, (seconds) => tell({ kind: 'scene', seconds })).then(
    () => tell({ kind: 'done' }),
    (error: unknown) => {
      const expected = error instanceof BagpiperError;
      const message = expected || !(error instanceof Error) ? messageOf(error) : (error.stack ?? error.message);
      tell({ kind: 'failed', message, expected });
    },
  );
});
