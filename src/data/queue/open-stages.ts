/** Stages that a worker has open, one for each campaign, closed when they have nothing to do. */
import type { Redis } from 'ioredis';
import { BagpiperError } from '../../errors.js';
import type { Keyed, Stage, StageSpec } from '../types.js';
import { type Campaign, campaignKey } from './protocol.js';

/** Milliseconds for which a campaign is believed to be there, and after which an unused stage is closed. */
const BELIEVED = 2000;
const IDLE = 60_000;

interface Opened {
  stage: Promise<Stage<Keyed, Keyed>>;
  users: number;
  /** when it was used last, and seen in Redis last, ms */
  used: number;
  seen: number;
}

export class OpenStages {
  private readonly opened = new Map<string, Opened>();

  constructor(
    private readonly redis: Redis,
    private readonly version: string,
    private readonly open: (spec: StageSpec) => Promise<Stage<Keyed, Keyed>>,
  ) {}

  /**
   * Lends a campaign's stage; undefined when the campaign is not there any more.
   * @throws BagpiperError when it cannot be opened here
   */
  async take(campaign: string): Promise<{ stage: Stage<Keyed, Keyed>; giveBack: () => void } | undefined> {
    let opened = this.opened.get(campaign);
    if (!opened || performance.now() - opened.seen > BELIEVED) {
      const text = await this.redis.get(campaignKey(campaign));
      if (text === null) return undefined;
      opened = this.opened.get(campaign) ?? this.start(campaign, JSON.parse(text) as Campaign);
      opened.seen = performance.now();
    }
    const { users } = opened;
    opened.users = users + 1;
    const giveBack = (): void => {
      opened.users--;
      opened.used = performance.now();
    };
    try {
      return { stage: await opened.stage, giveBack };
    } catch (error) {
      giveBack();
      // Another time it may work: a key was set, a server was started.
      if (this.opened.get(campaign) === opened) this.opened.delete(campaign);
      throw error;
    }
  }

  async closeIdle(): Promise<void> {
    const before = performance.now() - IDLE;
    const idle = [...this.opened].filter(([, { users, used }]) => users === 0 && used < before);
    for (const [campaign] of idle) this.opened.delete(campaign);
    await Promise.all(idle.map(([, { stage }]) => closed(stage)));
  }

  async close(): Promise<void> {
    const all = [...this.opened.values()];
    this.opened.clear();
    await Promise.all(all.map(({ stage }) => closed(stage)));
  }

  private start(campaign: string, { version, spec, coordinator }: Campaign): Opened {
    const stage =
      version === this.version
        ? this.open(spec)
        : Promise.reject(
            new BagpiperError(
              `This worker is bagpiper ${this.version}, but ${coordinator} asks with ${version}; install the same version on both.`,
            ),
          );
    const opened = { stage, users: 0, used: performance.now(), seen: performance.now() };
    this.opened.set(campaign, opened);
    return opened;
  }
}

async function closed(stage: Promise<Stage<Keyed, Keyed>>): Promise<void> {
  await stage.then((open) => open.close()).catch(() => {});
}
