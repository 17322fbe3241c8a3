/** The worker thread of the local engine: ONNX Runtime blocks its thread, so everything heavy happens here. */
import { parentPort, workerData } from 'node:worker_threads';
import { BagpiperError, messageOf } from '../errors.js';
import type { Device } from '../runtime/index.js';
import { Core, type CoreRequest } from './core.js';
import type { EngineEvent, EngineInfo } from './types.js';

export type ToWorker =
  | { kind: 'generate'; id: number; request: CoreRequest }
  | { kind: 'cancel'; id: number }
  | { kind: 'close' };

export type FromWorker =
  | { kind: 'ready'; info: EngineInfo }
  | { kind: 'prepared'; folder: string; bytes: number }
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

interface Running {
  controller: AbortController;
  done: Promise<void>;
}

const running = new Map<number, Running>();

async function serve(core: Core, id: number, request: CoreRequest, signal: AbortSignal): Promise<void> {
  try {
    await core.run(
      request,
      (event) => {
        if (!signal.aborted) tell({ kind: 'event', id, event });
      },
      signal,
    );
    tell({ kind: 'done', id });
  } catch (error) {
    // Whoever cancelled does not wait for an answer.
    if (!signal.aborted) fail(id, error);
  } finally {
    running.delete(id);
  }
}

async function close(core: Core): Promise<void> {
  const all = [...running.values()];
  for (const { controller } of all) controller.abort();
  await Promise.all(all.map(({ done }) => done));
  await core.close();
}

export interface WorkerData {
  path: string;
  threads: number;
  device: Device;
  /** compile and leave on the disk, answer nothing */
  prepare?: boolean;
}

const { path, threads, device, prepare } = workerData as WorkerData;

async function answer(): Promise<void> {
  const core = await Core.open(path, threads, device);
  port?.on('message', (message: ToWorker) => {
    if (message.kind === 'generate') {
      const controller = new AbortController();
      const { id } = message;
      running.set(id, { controller, done: Promise.resolve() });
      running.get(id)!.done = serve(core, id, message.request, controller.signal);
    } else if (message.kind === 'cancel') running.get(message.id)?.controller.abort();
    else void close(core).finally(() => port?.close());
  });
  tell({ kind: 'ready', info: core.info });
}

try {
  if (prepare) {
    tell({ kind: 'prepared', ...(await Core.prepare(path, threads)) });
    port.close();
  } else await answer();
} catch (error) {
  fail(null, error);
  port.close();
}
