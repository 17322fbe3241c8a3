/** `--queue`: stages of a command are handed to workers. */
import type { RunStageOptions } from '../../data/run/index.js';
import type { Keyed, StageSpec } from '../../data/types.js';
import { BagpiperError } from '../../errors.js';
import type { Context } from '../context.js';

export interface QueueFlags {
  queue?: string;
  apiKey?: string;
}

/** What a stage's work is given to; undefined: this process. */
export type ExecutorOf = (spec: StageSpec) => RunStageOptions<Keyed, Keyed>['executor'];

/** Records on their way, where workers take them; many more than one process would work on. */
export const QUEUE_WINDOW = 1024;

/**
 * Connects to the queue that the flags name, lends it to `work` and closes it; without one, the work is done here.
 * @param folder the run's
 * @throws BagpiperError for what is no address; ServerError when no Redis can be used there
 */
export async function withQueue<T>(
  folder: string,
  { queue, apiKey }: QueueFlags,
  { screen }: Context,
  work: (executorOf: ExecutorOf | undefined) => Promise<T>,
): Promise<T> {
  if (queue === undefined) return work(undefined);
  const [{ Coordinator }, { isStage }] = await Promise.all([
    import('../../data/queue/index.js'),
    import('../../data/stages.js'),
  ]);
  if (apiKey !== undefined) {
    screen.warn('--api-key does not reach workers; set BAGPIPER_API_KEY where they run.');
  }
  const coordinator = await Coordinator.open(queue, { warn: (text) => screen.warn(text) });
  try {
    return await work((spec) => (isStage(spec.stage) ? coordinator.executor(folder, spec) : undefined));
  } finally {
    await coordinator.close();
  }
}

/** The address of the queue. @throws BagpiperError when none is given */
export function queueAddress({ queue }: QueueFlags, { io }: Context): string {
  const address = queue ?? io.env.BAGPIPER_QUEUE;
  if (address) return address;
  throw new BagpiperError('A worker needs --queue with the address of a Redis, as in redis://host:6379.');
}
