/**
 * A worker: takes records from the queue, works on many at once, and gives back lines. It writes nothing itself, and may be
 * killed at any moment: what it had in hand is given to others.
 */

import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { BagpiperError, messageOf, ServerError } from '../../errors.js';
import { attempt } from '../run/index.js';
import type { Keyed, Stage, StageSpec } from '../types.js';
import { connect, loadBullmq, shownQueue } from './connect.js';
import { sayAlive, sayGone, type WorkerSaid } from './health.js';
import { OpenStages } from './open-stages.js';
import { type JobData, type JobResult, PREFIX, packageVersion, QUEUE, SIGN_EVERY } from './protocol.js';
import { unreadableSound } from './readable.js';

export interface WorkerOptions {
  /** makes a stage; called once for each campaign */
  open: (spec: StageSpec) => Promise<Stage<Keyed, Keyed>>;
  /** when it fires, no more records are taken; those in hand are finished */
  signal: AbortSignal;
  /** records worked on at once; default 32 */
  jobs?: number;
  /** seconds without a sign of life after which a worker's records are given to others; equal for all workers. Default 30 */
  lostAfter?: number;
  onProgress?: (said: WorkerSaid) => void;
  /** hears what is odd, one sentence each */
  warn?: (text: string) => void;
}

/** How often a record may be taken from lost workers before it counts as one that kills them. */
const LOST_TIMES = 5;

/**
 * Works until the signal fires and all in hand is done.
 * @returns records worked on
 * @throws BagpiperError for options or an address that make no sense; ServerError when there is no Redis at first
 */
export async function runWorker(address: string, options: WorkerOptions): Promise<number> {
  const { jobs = 32, lostAfter = 30 } = options;
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > 4096) {
    throw new BagpiperError(`--jobs is ${jobs}; a whole number from 1 to 4096 is accepted.`);
  }
  if (!(lostAfter >= 0.2 && lostAfter <= 3600)) {
    throw new BagpiperError(`--lost-after is ${lostAfter}; seconds from 0.2 to 3600 are accepted.`);
  }
  const redis = await connect(address, options.warn);
  try {
    return await new QueueWorker(shownQueue(address), redis, { ...options, jobs, lostAfter }).run();
  } finally {
    redis.disconnect();
  }
}

class QueueWorker {
  readonly name = `${hostname()}/${process.pid}/${randomBytes(3).toString('hex')}`;
  private readonly version = packageVersion();
  private readonly stages: OpenStages;
  private readonly never = new AbortController().signal;
  private inHand = 0;
  private done = 0;
  private down = false;

  constructor(
    private readonly shown: string,
    private readonly redis: Redis,
    private readonly options: Required<Pick<WorkerOptions, 'jobs' | 'lostAfter'>> & WorkerOptions,
  ) {
    this.stages = new OpenStages(redis, this.version, options.open);
    redis.on('close', () => this.lost());
    redis.on('ready', () => this.found());
  }

  async run(): Promise<number> {
    const { signal } = this.options;
    if (signal.aborted) return 0;
    const worker = await this.start();
    const beat = setInterval(() => this.tick(), 1000 * SIGN_EVERY);
    try {
      await this.alive();
      await new Promise<void>((resolve) => {
        signal.addEventListener('abort', () => resolve(), { once: true });
        // Records are taken from the start on, and the signal may have fired since.
        if (signal.aborted) resolve();
      });
      await Promise.all([this.alive(), worker.close()]);
    } finally {
      clearInterval(beat);
      await this.stages.close();
      if (this.redis.status === 'ready') await sayGone(this.redis, this.name).catch(() => {});
    }
    return this.done;
  }

  private async start(): Promise<Worker<JobData, JobResult>> {
    const { jobs, lostAfter } = this.options;
    const { bullmq } = await loadBullmq();
    const worker = new bullmq.Worker<JobData, JobResult>(QUEUE, (job) => this.work(job), {
      connection: this.redis,
      prefix: PREFIX,
      name: this.name,
      concurrency: jobs,
      lockDuration: lostAfter * 1000,
      stalledInterval: lostAfter * 500,
      maxStalledCount: LOST_TIMES,
      runRetryDelay: 1000,
    });
    // A record that was given to another meanwhile: its result is not taken, and that is right.
    worker.on('error', (error) => {
      if (!/lock|Missing key/i.test(error.message)) this.fault(error);
    });
    await worker.waitUntilReady();
    return worker;
  }

  private async work(job: Job<JobData, JobResult>): Promise<JobResult> {
    this.inHand++;
    try {
      return await this.resultOf(job.data);
    } finally {
      this.inHand--;
      this.done++;
      this.tell();
    }
  }

  private async resultOf({ campaign, input }: JobData): Promise<JobResult> {
    try {
      const lent = await this.stages.take(campaign);
      if (!lent) return { dropped: true };
      try {
        const missing = lent.stage.hears ? await unreadableSound(input) : undefined;
        if (missing) {
          this.options.warn?.(missing.message);
          return { ...missing, worker: this.name };
        }
        return { line: await attempt(lent.stage, input, this.never) };
      } finally {
        lent.giveBack();
      }
    } catch (error) {
      if (!(error instanceof BagpiperError)) throw error;
      this.options.warn?.(error.message);
      return { fatal: error.message, server: error instanceof ServerError, worker: this.name };
    }
  }

  private tick(): void {
    void this.stages.closeIdle();
    void this.alive();
  }

  private async alive(): Promise<void> {
    this.tell();
    if (this.redis.status === 'ready') await sayAlive(this.redis, this.name, this.said()).catch(() => {});
  }

  private said(): WorkerSaid {
    const { version, inHand, done } = this;
    const { jobs, signal } = this.options;
    return { host: hostname(), pid: process.pid, version, jobs, inHand, done, draining: signal.aborted };
  }

  private tell(): void {
    this.options.onProgress?.(this.said());
  }

  private lost(): void {
    if (this.down || this.options.signal.aborted) return;
    this.down = true;
    this.options.warn?.(`${this.shown}: the connection is lost; it is tried again until it is back.`);
  }

  private found(): void {
    if (!this.down) return;
    this.down = false;
    this.options.warn?.(`${this.shown}: the connection is back.`);
  }

  private fault(error: Error): void {
    if (!this.down) this.options.warn?.(`${this.shown}: ${messageOf(error)}`);
  }
}
