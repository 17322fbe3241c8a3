/** Stages and folders for tests of runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { Run } from '../../../src/data/run/index.js';
import type { Keyed, Stage, StageContext } from '../../../src/data/types.js';

export interface Word extends Keyed {
  word: string;
}

const WORDS = ['bell', 'dog', 'rain', 'piano', 'voice', 'door', 'wind', 'drum'];

export function words(count: number): Word[] {
  return Array.from({ length: count }, (_, i) => ({ id: `w${i}`, word: `${WORDS[i % WORDS.length]} ${i}` }));
}

/** A stage that does what it is told with each record. */
export function stageOf(
  work: (input: Word, context: StageContext) => Promise<Word> | Word,
  settings = { by: 'test' },
): Stage<Word, Word> {
  return {
    spec: { stage: 'words', settings },
    process: async (input, context) => work(input, context),
    close: async () => {},
  };
}

export const upper = (input: Word): Word => ({ ...input, word: input.word.toUpperCase() });

/** A new empty folder; removed at the end of the file's tests. */
export function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'bagpiper-run-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Lends an open run. */
export async function withRun<T>(folder: string, work: (run: Run) => Promise<T>): Promise<T> {
  const run = await Run.open(folder, { create: true });
  try {
    return await work(run);
  } finally {
    await run.close();
  }
}
