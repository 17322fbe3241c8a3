/** The engine on this machine: a worker thread with the model, spoken to by messages. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { BagpiperError } from '../errors.js';
import { chooseDevice, type DeviceChoice } from '../runtime/index.js';
import { Channel } from './channel.js';
import type { Engine, EngineEvent, EngineInfo, GenerateRequest } from './types.js';
import type { FromWorker, ToWorker, WorkerData } from './worker.js';

export interface LocalOptions {
  /** threads of the numeric engine; default: one a core */
  threads?: number;
  /** where the networks run (docs/gpu.md); default: the CPU */
  device?: DeviceChoice;
}

/** Compiled JavaScript, also when this module runs as TypeScript in tests. */
function workerUrl(): URL {
  const here = import.meta.url;
  return here.endsWith('.ts') ? new URL('../../dist/engine/worker.js', here) : new URL('./worker.js', here);
}

const CLOSED = 'The engine is closed; open it again.';
const CLOSED_EARLY = 'The engine was closed while a request was running; open it again and ask again.';

class LocalEngine implements Engine {
  private readonly channels = new Map<number, Channel<EngineEvent>>();
  private readonly gone: Promise<void>;
  private next = 0;
  /** why nothing more can be asked */
  private over: string | undefined;

  constructor(
    private readonly worker: Worker,
    readonly info: EngineInfo,
  ) {
    worker.on('message', (message: FromWorker) => this.receive(message));
    worker.on('error', (error: Error) => this.stop(`The engine stopped: ${error.message}. Open it again.`));
    this.gone = new Promise((resolve) => {
      worker.on('exit', () => {
        this.stop('The engine stopped: its thread has ended. Open it again.');
        resolve();
      });
    });
  }

  generate(request: GenerateRequest): AsyncIterable<EngineEvent> {
    const { signal, ...rest } = request;
    const id = this.next++;
    const cancel = () => channel.fail(signal?.reason, true);
    const channel: Channel<EngineEvent> = new Channel({
      start: () => {
        signal?.throwIfAborted();
        if (this.over) throw new BagpiperError(this.over);
        this.tell({ kind: 'generate', id, request: rest });
        this.channels.set(id, channel);
        signal?.addEventListener('abort', cancel, { once: true });
      },
      stop: (whole) => {
        signal?.removeEventListener('abort', cancel);
        if (this.channels.delete(id) && !whole && !this.over) this.tell({ kind: 'cancel', id });
      },
    });
    return channel;
  }

  async close(): Promise<void> {
    if (!this.over) {
      this.stop(CLOSED_EARLY);
      this.over = CLOSED;
      this.tell({ kind: 'close' });
    }
    await this.gone;
  }

  private tell(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  private receive(message: FromWorker): void {
    if (message.kind === 'ready' || message.kind === 'prepared') return;
    const channel = this.channels.get(message.id ?? -1);
    if (message.kind === 'event') channel?.push(message.event);
    else if (message.kind === 'done') channel?.end();
    else channel?.fail(revive(message));
  }

  /** Nothing more can be asked, and what was asked fails. */
  private stop(why: string): void {
    this.over ??= why;
    for (const channel of [...this.channels.values()]) channel.fail(new BagpiperError(why));
  }
}

function revive(message: Extract<FromWorker, { kind: 'failed' }>): Error {
  const error = message.expected ? new BagpiperError(message.message) : new Error(message.message);
  if (message.stack) error.stack = message.stack;
  return error;
}

/**
 * Opens a model folder in a worker thread.
 *
 * @throws BagpiperError when the folder or a tensor in it is not as it must be, or the device is absent
 */
export async function openLocalEngine(path: string, options: LocalOptions = {}): Promise<Engine> {
  const threads = options.threads ?? availableParallelism();
  const device = await chooseDevice(options.device);
  const worker = new Worker(workerUrl(), { workerData: { path, threads, device } satisfies WorkerData });
  const info = await new Promise<EngineInfo>((resolve, reject) => {
    worker.once('message', (message: FromWorker) => {
      if (message.kind === 'ready') resolve(message.info);
      else if (message.kind === 'failed') reject(revive(message));
    });
    worker.once('error', reject);
    worker.once('exit', () => reject(new BagpiperError(`The engine's thread ended while it opened ${path}.`)));
  });
  worker.removeAllListeners('error');
  worker.removeAllListeners('exit');
  return new LocalEngine(worker, info);
}

/** What {@link prepareFolder} left on the disk. */
export interface PreparedFolder {
  folder: string;
  bytes: number;
}

/**
 * Compiles the networks of a model folder in 4 or 8 bits and leaves them in its folder `prepared`, from where they are mapped
 * when it is opened again: the rearranged weights are then no private memory any more. Takes about twice the room of the
 * weights on the disk.
 *
 * @throws BagpiperError where the folder is not as it must be, holds plain weights, or cannot be written; the signal's reason
 */
export async function prepareFolder(
  path: string,
  { threads = availableParallelism(), signal }: { threads?: number; signal?: AbortSignal } = {},
): Promise<PreparedFolder> {
  signal?.throwIfAborted();
  const worker = new Worker(workerUrl(), {
    workerData: { path, threads, device: 'cpu', prepare: true } satisfies WorkerData,
  });
  const stop = () => void worker.terminate();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', (message: FromWorker) => {
        if (message.kind === 'prepared') resolve({ folder: message.folder, bytes: message.bytes });
        else if (message.kind === 'failed') reject(revive(message));
      });
      worker.once('error', reject);
      worker.once('exit', () => {
        reject(signal?.aborted ? signal.reason : new BagpiperError(`The thread that prepared ${path} has ended.`));
      });
    });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
