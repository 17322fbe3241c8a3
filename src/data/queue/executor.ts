/** A stage's work, done by workers behind Redis: what the runner is given in place of its own process. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { writeFileAtomically } from '../../files.js';
import type { ChatSettings } from '../llm/options.js';
import { addUsage, costOf, type Executor, manifestOf, noUsage, stageFile } from '../run/index.js';
import type { Keyed, Line, StageSpec } from '../types.js';
import { type Campaign, type JobData, jobIdOf, packageVersion } from './protocol.js';

/** What brings records to workers: the coordinator. */
export interface Carrier {
  begin(token: string, campaign: string, about: Campaign): Promise<void>;
  send(jobId: string, data: JobData, signal: AbortSignal): Promise<Line>;
  forget(jobId: string): void;
  status(): string;
}

export class QueueExecutor implements Executor<Keyed, Keyed> {
  private begun: Promise<string> | undefined;
  private readonly spent = noUsage();
  /** a budget holds for all workers together: nothing is sent when it is used up */
  private readonly money: { prices: NonNullable<ChatSettings['prices']>; limit: number } | undefined;

  private readonly anew: boolean;

  /** Made before the stage begins. */
  constructor(
    private readonly carrier: Carrier,
    private readonly folder: string,
    private readonly spec: StageSpec,
  ) {
    const { prices, budget } = (spec.settings.chat ?? {}) as Partial<ChatSettings>;
    if (prices && budget !== undefined) {
      this.money = { prices, limit: budget };
      for (const { usage, dropped } of Object.values(manifestOf(folder).stages)) {
        addUsage(this.spent, usage);
        if (dropped) addUsage(this.spent, dropped);
      }
    }
    // Looked at here, as the runner makes the file before it asks for the first record.
    this.anew = !existsSync(stageFile(folder, spec.stage));
  }

  async execute(input: Keyed, signal: AbortSignal): Promise<Line<Keyed>> {
    this.checkBudget();
    this.begun ??= this.begin();
    const campaign = await this.begun;
    const line = await this.carrier.send(jobIdOf(campaign, input.id), { campaign, input }, signal);
    if (line.usage) addUsage(this.spent, line.usage);
    return line;
  }

  /** The line is on the disk: Redis need not keep it. */
  kept(id: string): void {
    void this.begun?.then((campaign) => this.carrier.forget(jobIdOf(campaign, id)));
  }

  status(): string {
    return this.carrier.status();
  }

  private async begin(): Promise<string> {
    const { folder, spec } = this;
    checkNoSecrets(spec);
    const token = await tokenOf(folder, spec.stage, this.anew);
    const version = packageVersion();
    const about: Campaign = { version, spec, run: folder, coordinator: `${hostname()}/${process.pid}` };
    const sum = createHash('sha256').update(JSON.stringify([version, spec]));
    const campaign = `${token}.${sum.digest('hex').slice(0, 12)}`;
    await this.carrier.begin(token, campaign, about);
    return campaign;
  }

  private checkBudget(): void {
    if (!this.money) return;
    const { prices, limit } = this.money;
    const cost = costOf(this.spent, prices);
    if (cost < limit) return;
    throw new BagpiperError(`The budget of ${limit} is used up (${cost.toFixed(2)} spent); raise --budget to go on.`);
  }
}

/** Keys go by the environment of each worker, never through Redis. */
function checkNoSecrets(spec: StageSpec): void {
  const text = JSON.stringify(spec.settings);
  if (!/"[a-z+]+:\/\/[^/"@\s]*:[^/"@\s]+@/i.test(text) && !/"(?:api_?key|authorization|password)":"[^"]/i.test(text))
    return;
  throw new BagpiperError(
    `The settings of ${spec.stage} hold a key or password, which must not go through Redis; set BAGPIPER_API_KEY where the workers run.`,
  );
}

/**
 * Stands for a run's stage in Redis, so that a coordinator that comes back finds its records there. Kept in RUN/queue.json; a
 * stage whose file is not there begins anew, and what an earlier one left in Redis is not for it.
 */
async function tokenOf(folder: string, stage: string, anew: boolean): Promise<string> {
  const path = join(folder, 'queue.json');
  let tokens: Record<string, string> = {};
  try {
    tokens = JSON.parse(readFileSync(path, 'utf8')) as Record<string, string>;
  } catch {
    // none yet; a damaged one costs what waits in Redis
  }
  const known = tokens[stage];
  if (known !== undefined && !anew) return known;
  const token = randomBytes(8).toString('hex');
  await writeFileAtomically(path, `${JSON.stringify({ ...tokens, [stage]: token }, null, 2)}\n`);
  return token;
}
