/** Where a stage's work is done: in this process, or elsewhere. The runner alone writes what comes of it. */
import { BagpiperError, messageOf } from '../../errors.js';
import { type Keyed, type Line, RecordError, SetAside, type Stage, type Usage } from '../types.js';
import { addUsage, noUsage } from './usage.js';

export interface Executor<I extends Keyed, O extends Keyed> {
  /**
   * Works on one record; many are asked for at once.
   * @returns its line, whatever came of it
   * @throws BagpiperError for what concerns all records, which ends the stage; the signal's reason
   */
  execute(input: I, signal: AbortSignal): Promise<Line<O>>;
  /** The line of this record is safe on the disk. */
  kept?(id: string): void;
  /** More to show beside the progress, as in "3 workers". */
  status?(): string;
}

/** Works in this process. */
export function localExecutor<I extends Keyed, O extends Keyed>(stage: Stage<I, O>): Executor<I, O> {
  return { execute: (input, signal) => attempt(stage, input, signal) };
}

/**
 * Lets a stage work on one record and makes a line of what comes of it: the same here and on workers.
 * @throws BagpiperError for what concerns all records; the signal's reason
 */
export async function attempt<I extends Keyed, O extends Keyed>(
  stage: Stage<I, O>,
  input: I,
  signal: AbortSignal,
): Promise<Line<O>> {
  const { id } = input;
  const usage = noUsage();
  const spend = (more: Usage): void => addUsage(usage, more);
  const spent = (): { usage?: Usage } => (usage.total_tokens > 0 ? { usage } : {});
  try {
    signal.throwIfAborted();
    const result = await stage.process(input, { signal, spend });
    if (result.id !== id) throw new Error(`The result of ${id} has the id ${result.id}.`);
    return { id, result, ...spent() };
  } catch (error) {
    if (error instanceof SetAside) return { id, aside: error.reason, ...spent() };
    if (error instanceof RecordError) return { id, error: error.reason, ...spent() };
    if (error instanceof BagpiperError) throw error;
    signal.throwIfAborted();
    return { id, error: { kind: 'defect', message: messageOf(error) }, ...spent() };
  }
}
