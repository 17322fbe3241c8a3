/** The page's own thread: training holds the main thread for seconds at a time, and the page is to answer meanwhile. */
import { parentPort, workerData } from 'node:worker_threads';
import { BagpiperError, messageOf } from '../../errors.js';
import { type PageOptions, servePage } from './serve.js';

export type FromThread = { url: string } | { failed: string; expected: boolean };

const port = parentPort;
if (!port) throw new Error('thread.ts runs in a worker thread');
try {
  const { url } = await servePage(workerData as PageOptions);
  port.postMessage({ url } satisfies FromThread);
} catch (error) {
  port.postMessage({ failed: messageOf(error), expected: error instanceof BagpiperError } satisfies FromThread);
}
