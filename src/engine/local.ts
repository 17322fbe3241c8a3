/** The engine on this machine: a worker thread with the model, spoken to by messages. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { BagpiperError } from '../errors.js';
import type { Engine, EngineEvent, EngineInfo, GenerateRequest } from './types.js';
import type { FromWorker, ToWorker } from './worker.js';

export interface LocalOptions {
  /** threads of the numeric engine; default: one a core */
  threads?: number;
}

/** Events of one request on their way to the caller. */
class Channel {
  private readonly waiting: EngineEvent[] = [];
  private wake: (() => void) | undefined;
  private ended = false;
  private error: unknown;

  push(event: EngineEvent): void {
    this.waiting.push(event);
    this.wake?.();
  }

  end(error?: unknown): void {
    this.ended = true;
    this.error ??= error;
    this.wake?.();
  }

  async *events(): AsyncGenerator<EngineEvent, void, void> {
    for (;;) {
      while (this.waiting.length > 0) yield this.waiting.shift()!;
      if (this.ended) {
        if (this.error !== undefined) throw this.error;
        return;
      }
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

/** Compiled JavaScript, also when this module runs as TypeScript in tests. */
function workerUrl(): URL {
  const here = import.meta.url;
  return here.endsWith('.ts') ? new URL('../../dist/engine/worker.js', here) : new URL('./worker.js', here);
}

class LocalEngine implements Engine {
  private readonly channels = new Map<number, Channel>();
  private next = 0;
  private closed = false;

  constructor(
    private readonly worker: Worker,
    readonly info: EngineInfo,
  ) {
    worker.on('message', (message: FromWorker) => this.receive(message));
    worker.on('error', (error) => this.failAll(new BagpiperError(`The engine stopped: ${error.message}`)));
    worker.on('exit', () => this.failAll(new BagpiperError('The engine was closed while a request was running.')));
  }

  async *generate(request: GenerateRequest): AsyncGenerator<EngineEvent, void, void> {
    const { signal, ...rest } = request;
    signal?.throwIfAborted();
    if (this.closed) throw new BagpiperError('The engine is closed; open it again.');
    const id = this.next++;
    const channel = new Channel();
    this.channels.set(id, channel);
    const cancel = () => {
      this.tell({ kind: 'cancel', id });
      channel.end(signal?.reason);
    };
    signal?.addEventListener('abort', cancel, { once: true });
    this.tell({ kind: 'generate', id, request: rest });
    let whole = false;
    try {
      yield { type: 'phase', phase: 'queued' };
      yield* channel.events();
      whole = true;
    } finally {
      // Also when the caller stops listening early.
      if (!whole) this.tell({ kind: 'cancel', id });
      signal?.removeEventListener('abort', cancel);
      this.channels.delete(id);
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.failAll(new BagpiperError('The engine was closed while a request was running.'));
    const gone = new Promise((resolve) => this.worker.once('exit', resolve));
    this.tell({ kind: 'close' });
    await gone;
  }

  private tell(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  private receive(message: FromWorker): void {
    if (message.kind === 'ready') return;
    const channel = this.channels.get(message.id ?? -1);
    if (message.kind === 'event') channel?.push(message.event);
    else if (message.kind === 'done') channel?.end();
    else channel?.end(revive(message));
  }

  private failAll(error: Error): void {
    for (const [id, channel] of this.channels) {
      if (!this.closed) this.tell({ kind: 'cancel', id });
      channel.end(error);
    }
  }
}

function revive(message: Extract<FromWorker, { kind: 'failed' }>): Error {
  const error = message.expected ? new BagpiperError(message.message) : new Error(message.message);
  if (message.stack) error.stack = message.stack;
  return error;
}

/** Opens a model folder in a worker thread. @throws BagpiperError when the folder or a tensor in it is not as it must be */
export async function openLocalEngine(path: string, options: LocalOptions = {}): Promise<Engine> {
  const threads = options.threads ?? availableParallelism();
  const worker = new Worker(workerUrl(), { workerData: { path, threads } });
  const info = await new Promise<EngineInfo>((resolve, reject) => {
    worker.once('message', (message: FromWorker) => {
      if (message.kind === 'ready') resolve(message.info);
      else if (message.kind === 'failed') reject(revive(message));
    });
    worker.once('error', reject);
  });
  worker.removeAllListeners('error');
  return new LocalEngine(worker, info);
}
