/** The worker thread of the local engine: ONNX Runtime blocks its thread, so everything heavy happens here. */
import { parentPort, workerData } from 'node:worker_threads';
import { BagpiperError, messageOf } from '../errors.js';
import { Core, type CoreRequest } from './core.js';
import type { EngineEvent, EngineInfo } from './types.js';

export type ToWorker =
  | { kind: 'generate'; id: number; request: CoreRequest }
  | { kind: 'cancel'; id: number }
  | { kind: 'close' };

export type FromWorker =
  | { kind: 'ready'; info: EngineInfo }
  | { kind: 'event'; id: number; event: EngineEvent }
  | { kind: 'done'; id: number }
  /** `expected`: the message is meant for the user */
  | { kind: 'failed'; id: number | null; message: string; stack?: string; expected: boolean };

const port = parentPort;
if (!port) throw new Error('this module runs as a worker thread only');
const tell = (message: FromWorker) => port.postMessage(message);

function fail(id: number | null, error: unknown): void {
  const stack = error instanceof Error ? error.stack : undefined;
  tell({
    kind: 'failed',
    id,
    message: messageOf(error),
    expected: error instanceof BagpiperError,
    ...(stack ? { stack } : {}),
  });
}

/** Cancelled before or while they ran. */
const cancelled = new Set<number>();
class Cancelled extends Error {}

/** Lets messages in (ONNX Runtime has the thread during a step) and stops a cancelled request. */
async function check(id: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  if (cancelled.has(id)) throw new Cancelled();
}

async function serve(core: Core, id: number, request: CoreRequest): Promise<void> {
  try {
    await core.run(
      request,
      (event) => tell({ kind: 'event', id, event }),
      () => check(id),
    );
    tell({ kind: 'done', id });
  } catch (error) {
    if (!(error instanceof Cancelled)) fail(id, error);
  } finally {
    cancelled.delete(id);
  }
}

const { path, threads } = workerData as { path: string; threads: number };
try {
  const core = await Core.open(path, threads);
  // Requests wait for one another: each has the whole machine while it runs.
  let last: Promise<void> = Promise.resolve();
  port.on('message', (message: ToWorker) => {
    if (message.kind === 'generate') last = last.then(() => serve(core, message.id, message.request));
    else if (message.kind === 'cancel') cancelled.add(message.id);
    else
      void last
        .then(() => core.close())
        .finally(() => {
          port.close();
        });
  });
  tell({ kind: 'ready', info: core.info });
} catch (error) {
  fail(null, error);
  port.close();
}
