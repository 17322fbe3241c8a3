/** Runs a stage over its inputs: takes up what is there, works on the rest, many at once, and writes down what comes of it. */
import { existsSync } from 'node:fs';
import { BagpiperError } from '../../errors.js';
import type { Prices } from '../llm/options.js';
import type { JsonObject, Keyed, Line, Stage, Usage } from '../types.js';
import { type Executor, localExecutor } from './executor.js';
import type { Journal } from './journal.js';
import type { Inputs } from './lines.js';
import type { Counts, StageEntry } from './manifest.js';
import { Meter, type Progress } from './progress.js';
import type { Run } from './run.js';
import { Slots } from './slots.js';
import { addUsage, costOf, noUsage } from './usage.js';

export interface RunStageOptions<I extends Keyed, O extends Keyed> {
  /** records worked on at once; default 64 */
  window?: number;
  /** default: in this process */
  executor?: Executor<I, O>;
  /** ends the stage; the call then rejects with the signal's reason, and the next one goes on */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** hears what is odd, one sentence each */
  warn?: (text: string) => void;
  /** records of all inputs, for the progress alone */
  total?: number;
  /** looks at the first so many inputs only */
  limit?: number;
  /** settings that results depend on; a run that was begun with others is refused. Default: the stage's settings */
  identity?: JsonObject;
  /** prompts that are used, by name as in "label/caption.md": kept in the run */
  prompts?: Readonly<Record<string, string>>;
  prices?: Prices;
}

/** What came of it, earlier calls included. */
export interface StageOutcome {
  state: 'running' | 'done';
  counts: Counts;
  /** tokens spent in all */
  usage: Usage;
  cost?: number;
  duplicates: number;
}

/** Milliseconds between progress events, and between writes of the manifest. */
const PROGRESS_EVERY = 200;
const SAVE_EVERY = 5000;
/** Thrown into the inputs when no more are to be looked at. */
const ENOUGH = new Error('enough inputs');

/**
 * Works on all inputs that have neither result nor were set aside. Records that fail are tried once more at the end; those
 * that fail again are tried by the next call. Stopped at any moment, the next call goes on.
 *
 * @param stage is not closed
 * @throws BagpiperError for what concerns all records, when the run was begun with other settings, or when the disk takes no
 *   more; the signal's reason. What was done until then is kept.
 */
export async function runStage<I extends Keyed, O extends Keyed>(
  run: Run,
  stage: Stage<I, O>,
  inputs: Inputs<I>,
  options: RunStageOptions<I, O> = {},
): Promise<StageOutcome> {
  const name = stage.spec.stage;
  const { identity = stage.spec.settings } = options;
  checkIdentity(run, name, identity);
  const prompts = options.prompts && (await run.keepPrompts(name, options.prompts));
  const journal = await run.takeUp(name);
  try {
    const { counts, usage, dropped, notes } = run.entry(name);
    const known = { counts, usage, ...(dropped && { dropped }), ...(notes && { notes }) };
    await run.update(name, { spec: stage.spec, identity, ...(prompts && { prompts }), state: 'running', ...known });
    return await new Runner(run, stage, journal, options).all(inputs);
  } finally {
    await journal.close();
  }
}

/** @throws BagpiperError when results are there that other settings made */
function checkIdentity(run: Run, name: string, identity: JsonObject): void {
  const { identity: before, counts } = run.entry(name);
  const begun = counts.results > 0 || Object.keys(counts.aside).length > 0;
  if (!before || !begun || !existsSync(run.file(name))) return;
  const other = [...new Set([...Object.keys(before), ...Object.keys(identity)])]
    .sort()
    .find((key) => JSON.stringify(before[key]) !== JSON.stringify(identity[key]));
  if (other === undefined) return;
  const [was, is] = [before, identity].map((settings) => JSON.stringify(settings[other])?.slice(0, 60) ?? 'nothing');
  throw new BagpiperError(
    `${run.folder}: ${name}.jsonl was begun with ${other} ${was}, now it is ${is}; use the same, name a new run, or delete ${name}.jsonl to begin again.`,
  );
}

class Runner<I extends Keyed, O extends Keyed> {
  private readonly name: string;
  private readonly executor: Executor<I, O>;
  private readonly slots: Slots;
  private readonly meter = new Meter();
  private readonly stopped = new AbortController();
  /** entries in the order of the inputs */
  private order = new Uint32Array(1024);
  private seen = 0;
  private duplicates = 0;
  private duplicate = '';
  private retrying = false;
  private told = 0;
  private saved = performance.now();

  constructor(
    private readonly run: Run,
    stage: Stage<I, O>,
    private readonly journal: Journal,
    private readonly options: RunStageOptions<I, O>,
  ) {
    this.name = stage.spec.stage;
    this.executor = options.executor ?? localExecutor(stage);
    this.slots = new Slots(options.window ?? 64);
  }

  async all(inputs: Inputs<I>): Promise<StageOutcome> {
    const { signal, limit = Number.POSITIVE_INFINITY } = this.options;
    const forward = (): void => this.stopped.abort(signal?.reason);
    signal?.addEventListener('abort', forward, { once: true });
    try {
      if (signal?.aborted) forward();
      this.tell(true);
      const whole = await this.pass(inputs, (id) => this.isNew(id), limit);
      this.warn();
      if (this.journal.index.count('error').size > 0) {
        this.retrying = true;
        const tried = new Set<number>();
        await this.pass(inputs, (id) => this.hasFailed(id, tried), limit);
      }
      await this.run.settle(this.name, this.journal, this.order.subarray(0, this.seen));
      return await this.end(whole);
    } catch (error) {
      await this.save('running').catch(() => {});
      throw error;
    } finally {
      signal?.removeEventListener('abort', forward);
      this.tell(true);
    }
  }

  /**
   * Goes through the inputs once. @param limit of inputs to look at
   * @returns whether all inputs were looked at
   */
  private async pass(inputs: Inputs<I>, wanted: (id: string) => boolean, limit: number): Promise<boolean> {
    const { signal } = this.stopped;
    let looked = 0;
    const within = (id: string): boolean => {
      if (++looked > limit) throw ENOUGH;
      return wanted(id);
    };
    try {
      for await (const input of inputs(within)) {
        await this.slots.take();
        if (signal.aborted) {
          this.slots.free();
          break;
        }
        void this.work(input);
      }
    } catch (error) {
      if (error !== ENOUGH) this.stopped.abort(error);
    }
    await this.slots.allFree();
    signal.throwIfAborted();
    return looked <= limit;
  }

  private async work(input: I): Promise<void> {
    try {
      const line = await this.executor.execute(input, this.stopped.signal);
      await this.journal.append(line as Line);
      this.executor.kept?.(line.id);
      this.meter.tick();
    } catch (error) {
      this.stopped.abort(error);
    } finally {
      this.slots.free();
      this.tell(false);
    }
  }

  /** Notes the order of the inputs; true for those that have no line. */
  private isNew(id: string): boolean {
    const { index } = this.journal;
    const entry = index.add(id);
    if (!index.mark(entry)) {
      if (this.duplicates++ === 0) this.duplicate = id;
      return false;
    }
    if (this.seen === this.order.length) {
      const longer = new Uint32Array(Math.ceil(this.order.length * 1.5));
      longer.set(this.order);
      this.order = longer;
    }
    this.order[this.seen++] = entry;
    return index.state(entry) === 'none';
  }

  private hasFailed(id: string, tried: Set<number>): boolean {
    const { index } = this.journal;
    const entry = index.find(id);
    if (entry < 0 || index.state(entry) !== 'error' || tried.has(entry)) return false;
    tried.add(entry);
    return true;
  }

  private warn(): void {
    const { warn = () => {} } = this.options;
    const { duplicates, duplicate, journal } = this;
    if (duplicates === 1) warn(`A record was left out since another has its id, ${duplicate}.`);
    if (duplicates > 1) warn(`${duplicates} records were left out since others have their ids (first: ${duplicate}).`);
    if (journal.damaged > 0)
      warn(`${journal.path}: ${journal.damaged} damaged lines were left out; they are made anew.`);
  }

  private async end(whole: boolean): Promise<StageOutcome> {
    const state = whole && this.journal.index.count('error').size === 0 ? 'done' : 'running';
    await this.save(state);
    const { duplicates } = this;
    const cost = this.cost();
    return { state, counts: this.counts(), usage: this.spent(), ...(cost === undefined ? {} : { cost }), duplicates };
  }

  private async save(state: StageEntry['state']): Promise<void> {
    this.saved = performance.now();
    const { cost: _, duplicates: __, ...entry } = this.run.entry(this.name);
    const cost = this.cost();
    await this.run.update(this.name, {
      ...entry,
      state,
      counts: this.counts(),
      usage: { ...this.journal.usage },
      ...(cost === undefined ? {} : { cost }),
      ...(this.duplicates > 0 && { duplicates: this.duplicates }),
    });
  }

  private counts(): Counts {
    const { index } = this.journal;
    const table = (state: 'aside' | 'error'): Record<string, number> =>
      Object.fromEntries([...index.count(state)].sort());
    return { results: index.count('result').get('') ?? 0, aside: table('aside'), errors: table('error') };
  }

  private spent(): Usage {
    const usage = noUsage();
    addUsage(usage, this.journal.usage);
    addUsage(usage, this.run.entry(this.name).dropped ?? noUsage());
    return usage;
  }

  private cost(): number | undefined {
    const { prices } = this.options;
    return prices && costOf(this.spent(), prices);
  }

  /** @param now also when the last time is not long ago */
  private tell(now: boolean): void {
    const at = performance.now();
    if (at - this.saved > SAVE_EVERY && !now) void this.save('running').catch(() => {});
    const { onProgress, total } = this.options;
    if (!onProgress || (!now && at - this.told < PROGRESS_EVERY)) return;
    this.told = at;
    const counts = this.counts();
    const done = counts.results + sum(counts.aside);
    const rate = this.meter.rate();
    const cost = this.cost();
    const status = this.executor.status?.();
    onProgress({
      stage: this.name,
      ...(total === undefined ? {} : { total }),
      done,
      counts,
      inFlight: this.slots.inUse,
      retrying: this.retrying,
      ...(rate === undefined ? {} : { rate }),
      ...(rate && total !== undefined ? { left: Math.max(0, total - done) / rate } : {}),
      usage: this.spent(),
      ...(cost === undefined ? {} : { cost }),
      ...(status ? { status } : {}),
    });
  }
}

function sum(counts: Record<string, number>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}
