/** Stages for tests of the queue, made from their specs as those of the package are. */
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Keyed, Stage, StageSpec } from '../../../src/data/index.js';
import { RecordError, SetAside } from '../../../src/data/index.js';
import { BagpiperError } from '../../../src/errors.js';

export interface Numbered extends Keyed {
  n: number;
}

/** What {@link countingStage} does with a record, all decided by its number. */
export interface Counting {
  /** gets a line for each record that is begun */
  log: string;
  /** milliseconds that a record takes */
  wait: number;
  /** every so manieth is set aside, and cannot be done */
  aside?: number;
  broken?: number;
  /** this one concerns all */
  fatal?: number;
  /** this one ends the worker's process */
  deadly?: number;
  hears?: boolean;
}

export function countingSpec(settings: Counting): StageSpec {
  return { stage: 'count', settings: { ...settings } };
}

export async function countingStage(spec: StageSpec): Promise<Stage<Keyed, Keyed>> {
  const { log, wait, aside, broken, fatal, deadly, hears } = spec.settings as unknown as Counting;
  return {
    spec,
    ...(hears && { hears }),
    async process(input, { spend }) {
      const { id, n } = input as Numbered;
      appendFileSync(log, `${id} ${process.pid}\n`);
      if (n === deadly) process.kill(process.pid, 'SIGKILL');
      await sleep(wait);
      spend({ prompt_tokens: n, completion_tokens: 1, total_tokens: n + 1 });
      if (n === fatal) throw new BagpiperError('The key is refused.');
      if (aside && n % aside === 1) throw new SetAside({ kind: 'odd', message: 'It is odd.' });
      if (broken && n % broken === 2) throw new RecordError({ kind: 'broken', message: 'It is broken.' });
      return { id, square: n * n, text: `${n} "\u2028" \ud83d\ude00` } as Keyed;
    },
    close: () => Promise.resolve(),
  };
}

export function numbered(count: number): Numbered[] {
  return Array.from({ length: count }, (_, n) => ({ id: `record-${String(n).padStart(6, '0')}`, n }));
}
