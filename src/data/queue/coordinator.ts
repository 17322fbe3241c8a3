/**
 * The coordinator's side of the queue: sends records to workers and hears what became of them. Events tell at once; what they
 * miss (a lost connection, a Redis that forgot everything) is found by looking after every record now and then.
 */
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Job, Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { BagpiperError, messageOf, ServerError } from '../../errors.js';
import type { Line, StageSpec } from '../types.js';
import { connect, loadBullmq, shownQueue } from './connect.js';
import { type Carrier, QueueExecutor } from './executor.js';
import { healthOf, type QueueHealth } from './health.js';
import {
  type Campaign,
  campaignKey,
  type JobData,
  type JobResult,
  KEEP,
  newestKey,
  PREFIX,
  QUEUE,
} from './protocol.js';

export interface CoordinatorOptions {
  /** hears what is odd, one sentence each */
  warn?: (text: string) => void;
  /** seconds after which a record of which nothing was heard is looked after; default 10 */
  lookAfter?: number;
  /** seconds without Redis after which everything is given up; default 300 */
  patience?: number;
}

/** A record on its way. */
interface Pending {
  data: JobData;
  /** when it was sent or looked after last, ms */
  at: number;
  signal: AbortSignal;
  resolve: (line: Line) => void;
  reject: (error: unknown) => void;
}

/** Milliseconds between looks at the workers, and how long there may be none before it is said. */
const TICK = 1000;
const ALONE_AFTER = 10_000;

export class Coordinator implements Carrier {
  readonly shown: string;
  health: QueueHealth | undefined;
  private readonly pending = new Map<string, Pending>();
  private readonly leaving = new Map<string, Promise<unknown>>();
  private readonly signals = new WeakSet<AbortSignal>();
  private readonly unsent: string[] = [];
  /** what workers are told about each campaign, as it lies in Redis */
  private readonly campaigns = new Map<string, string>();
  private readonly timer: NodeJS.Timeout;
  private ticking: Promise<void> = Promise.resolve();
  private busy = false;
  private downSince: number | undefined;
  private aloneSince = performance.now();
  private saidAlone = false;
  private closed = false;

  private constructor(
    address: string,
    private readonly redis: Redis,
    private readonly queue: Queue<JobData, JobResult>,
    private readonly events: QueueEvents,
    private readonly options: CoordinatorOptions,
  ) {
    this.shown = shownQueue(address);
    queue.on('error', () => {});
    events.on('error', () => {});
    events.on('completed', ({ jobId, returnvalue }) => this.heard(jobId, returnvalue as unknown as JobResult));
    events.on('failed', ({ jobId }) => void this.look(jobId));
    events.on('duplicated', ({ jobId }) => void this.look(jobId));
    redis.on('close', () => {
      this.downSince ??= performance.now();
    });
    redis.on('ready', () => {
      this.downSince = undefined;
    });
    this.timer = setInterval(() => this.tick(), TICK);
  }

  /** @throws BagpiperError for what is no address; ServerError when no Redis can be used there */
  static async open(address: string, options: CoordinatorOptions = {}): Promise<Coordinator> {
    const redis = await connect(address, options.warn);
    const { bullmq } = await loadBullmq();
    const at = { connection: redis, prefix: PREFIX };
    const queue = new bullmq.Queue<JobData, JobResult>(QUEUE, at);
    const events = new bullmq.QueueEvents(QUEUE, at);
    const coordinator = new Coordinator(address, redis, queue, events, options);
    await Promise.all([queue.waitUntilReady(), events.waitUntilReady()]);
    return coordinator;
  }

  /**
   * Hands a stage of a run to workers. The runner's window should hold more records than all workers take at once.
   * @param folder the run's folder
   */
  executor(folder: string, spec: StageSpec): QueueExecutor {
    return new QueueExecutor(this, folder, spec);
  }

  /**
   * Tells workers about a campaign. An older one of the same run and stage ends: what it left in the queue is not worked on.
   * @param token stands for the run's stage
   */
  async begin(token: string, campaign: string, about: Campaign): Promise<void> {
    this.campaigns.set(campaign, JSON.stringify(about));
    await this.announce();
    const before = await this.redis.set(newestKey(token), campaign, 'EX', KEEP, 'GET');
    if (before !== null && before !== campaign) await this.redis.del(campaignKey(before));
  }

  /**
   * Sends a record, or takes up what an earlier coordinator sent.
   * @throws BagpiperError for what concerns all records; the signal's reason
   */
  async send(jobId: string, data: JobData, signal: AbortSignal): Promise<Line> {
    await this.leaving.get(jobId);
    signal.throwIfAborted();
    this.listenTo(signal);
    return new Promise((resolve, reject) => {
      this.pending.set(jobId, { data, at: performance.now(), signal, resolve, reject });
      this.post(jobId);
    });
  }

  /** One listener for all records of a stage. */
  private listenTo(signal: AbortSignal): void {
    if (this.signals.has(signal)) return;
    this.signals.add(signal);
    const stop = (): void => {
      for (const [jobId, waiting] of this.pending) {
        if (waiting.signal !== signal) continue;
        // One that a worker has in hand stays; its result waits for the next call.
        this.forget(jobId);
        this.end(jobId)?.reject(signal.reason);
      }
    };
    signal.addEventListener('abort', stop, { once: true });
  }

  private end(jobId: string): Pending | undefined {
    const waiting = this.pending.get(jobId);
    this.pending.delete(jobId);
    return waiting;
  }

  /** Removes a job whose line is safe. */
  forget(jobId: string): void {
    const removal = this.queue
      .remove(jobId)
      .catch(() => {})
      .finally(() => {
        if (this.leaving.get(jobId) === removal) this.leaving.delete(jobId);
      });
    this.leaving.set(jobId, removal);
  }

  /** "3 workers, 12 waiting" */
  status(): string {
    if (this.downSince !== undefined) return `${this.shown} does not answer`;
    if (!this.health) return '';
    const workers = Object.values(this.health.workers);
    const count = workers.length;
    if (count === 0) return 'no worker';
    const draining = workers.filter((worker) => worker.draining).length;
    const leaving = draining > 0 ? ` (${draining} draining)` : '';
    return `${count} worker${count === 1 ? '' : 's'}${leaving}, ${this.health.waiting} waiting`;
  }

  /** Nothing may be on its way any more. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    await this.ticking;
    if (this.redis.status === 'ready') {
      await Promise.all(this.leaving.values());
      const keys = [...this.campaigns.keys()].map(campaignKey);
      if (keys.length > 0) await this.redis.del(...keys).catch(() => {});
    }
    await this.events.close().catch(() => {});
    if (this.redis.status === 'ready') await this.queue.close().catch(() => {});
    this.redis.disconnect();
  }

  /** All that is sent in one moment goes together. */
  private post(jobId: string): void {
    if (this.unsent.push(jobId) > 1) return;
    setImmediate(() => {
      const jobs = this.unsent.splice(0).flatMap((id) => {
        const waiting = this.pending.get(id);
        return waiting ? [{ name: 'record', data: waiting.data, opts: { jobId: id, ...LEFT_OVER } }] : [];
      });
      if (jobs.length === 0) return;
      this.queue.addBulk(jobs).catch((error: unknown) => {
        if (this.closed) return;
        this.giveUp(new ServerError(`${this.shown}: takes no records (${messageOf(error)}); see to that Redis.`));
      });
    });
  }

  private heard(jobId: string, result: JobResult): void {
    const waiting = this.pending.get(jobId);
    if (!waiting) return;
    if ('line' in result) {
      this.end(jobId)?.resolve(result.line);
      return;
    }
    this.forget(jobId);
    if ('fatal' in result) {
      const message = `Worker ${result.worker}: ${result.fatal}`;
      this.end(jobId)?.reject(result.server ? new ServerError(message) : new BagpiperError(message));
      return;
    }
    if ('unreadable' in result) {
      const { unreadable, message, worker } = result;
      // What is not here either is this record's matter alone.
      if (existsSync(dirname(unreadable))) this.end(jobId)?.reject(new BagpiperError(`Worker ${worker}: ${message}`));
      else this.end(jobId)?.resolve({ id: waiting.data.input.id, error: { kind: 'unreadable', message } });
      return;
    }
    // It was left from a campaign that had ended, and this is the same one, begun again.
    void this.announce().then(
      () => this.again(jobId, waiting),
      () => {},
    );
  }

  /** Also again: a Redis without a disk forgets, and what is not looked at for long is thrown away. */
  private async announce(): Promise<void> {
    for (const [campaign, about] of this.campaigns) await this.redis.set(campaignKey(campaign), about, 'EX', KEEP);
  }

  private again(jobId: string, waiting: Pending): void {
    waiting.at = performance.now();
    this.post(jobId);
  }

  /** What became of a job; one that is gone is sent again. */
  private async look(jobId: string): Promise<void> {
    const waiting = this.pending.get(jobId);
    if (!waiting) return;
    waiting.at = performance.now();
    const job = await this.queue.getJob(jobId).catch(() => null);
    if (job === null || this.pending.get(jobId) !== waiting) return;
    if (job === undefined) {
      this.again(jobId, waiting);
      return;
    }
    if (job.failedReason !== undefined && job.finishedOn !== undefined)
      this.end(jobId)?.resolve(lineOfFailure(job, waiting.data.input.id));
    else if (job.finishedOn !== undefined && job.returnvalue !== null) this.heard(jobId, job.returnvalue);
  }

  private tick(): void {
    const { lookAfter = 10, patience = 300 } = this.options;
    const now = performance.now();
    if (this.downSince !== undefined) {
      if (now - this.downSince < patience * 1000) return;
      this.giveUp(
        new ServerError(`${this.shown}: has not answered for ${patience} s; call the same command again when it does.`),
      );
      return;
    }
    if (this.busy) return;
    this.busy = true;
    this.ticking = this.lookAround(now - lookAfter * 1000)
      .catch(() => {})
      .finally(() => {
        this.busy = false;
      });
  }

  private async lookAround(before: number): Promise<void> {
    this.health = await healthOf(this.redis, this.queue);
    const late = [...this.pending].filter(([, { at }]) => at < before).map(([jobId]) => jobId);
    if (late.length > 0) {
      await this.announce();
      await Promise.all(late.map((jobId) => this.look(jobId)));
    }
    this.sayWhenAlone();
  }

  private sayWhenAlone(): void {
    const now = performance.now();
    if (this.pending.size === 0 || Object.keys(this.health?.workers ?? {}).length > 0) {
      this.aloneSince = now;
      this.saidAlone = false;
    } else if (!this.saidAlone && now - this.aloneSince > ALONE_AFTER) {
      this.saidAlone = true;
      this.options.warn?.(
        `No worker is at ${this.shown}; start some, on any machine, with: bagpiper data worker --queue ${this.shown}`,
      );
    }
  }

  private giveUp(error: Error): void {
    for (const jobId of [...this.pending.keys()]) this.end(jobId)?.reject(error);
  }
}

/** What nobody fetches goes some day. No tries by BullMQ: the runner tries records again itself, last. */
const LEFT_OVER = { attempts: 1, removeOnComplete: { age: KEEP }, removeOnFail: { age: KEEP } };

/** A job that came to no result: its workers died again and again, or there is a defect. */
function lineOfFailure(job: Job, id: string): Line {
  const lost = /stalled/.test(job.failedReason);
  const message = lost ? 'The workers that had this record were lost, several times over.' : job.failedReason;
  return { id, error: { kind: lost ? 'workers_lost' : 'defect', message } };
}
