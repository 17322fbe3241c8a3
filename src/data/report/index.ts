/**
 * report/: a run on one HTML page: how many records came through which stage and at what cost, how lengths and scores are
 * distributed, why others did not, and samples to hear; and questions to a run in SQL (query.ts). docs/data-report.md shows both.
 */
import { basename, join, resolve } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { writeFileAtomically } from '../../files.js';
import { manifestOf } from '../run/index.js';
import { withDuckDB } from '../source/index.js';
import { gather } from './gather.js';
import { pageOf } from './page.js';
import { samplesOf } from './samples.js';
import { plainPath, Tables } from './tables.js';

export { type QueryOptions, queryRun } from './query.js';

export interface ReportOptions {
  /** file to write; default RUN/report.html */
  out?: string;
  /** clips to hear; default 8 */
  samples?: number;
  /** chooses samples and examples; default 0 */
  seed?: number;
  /** the most that sounds and pictures take, megabytes; default 24 */
  megabytes?: number;
  signal?: AbortSignal;
  /** hears what is done, in a few words */
  onProgress?: (what: string) => void;
}

/**
 * Writes the report of a run; equal runs and options give equal pages. Reads only, so another process may work on the run.
 * @returns the file's path
 * @throws BagpiperError when there is no run, for options that make no sense, or when the page cannot be written
 */
export async function writeReport(run: string, options: ReportOptions = {}): Promise<string> {
  const { samples: count = 8, seed = 0, megabytes = 24, signal, onProgress } = options;
  if (!Number.isInteger(count) || count < 0 || count > 1000) {
    throw new BagpiperError(`The number of samples is ${count}; a whole number from 0 to 1000 is accepted.`);
  }
  if (!Number.isSafeInteger(seed)) throw new BagpiperError(`The seed is ${seed}; a whole number is accepted.`);
  if (!(megabytes >= 0 && megabytes <= 400)) {
    throw new BagpiperError(`The size of the sounds is ${megabytes} MB; 0 to 400 is accepted.`);
  }
  manifestOf(run);
  const folder = resolve(run);
  const plain = await plainPath(folder);
  let page: string;
  try {
    page = await withDuckDB('Reports', async (connection) => {
      const tables = new Tables(connection, plain.path);
      onProgress?.('Counting ...');
      const numbers = await gather(folder, tables, seed);
      signal?.throwIfAborted();
      onProgress?.('Reading sounds ...');
      const samples = await samplesOf(tables, { count, seed, bytes: megabytes * 1e6, ...(signal && { signal }) });
      return pageOf(basename(folder), numbers, samples);
    });
  } finally {
    await plain.free();
  }
  const path = options.out ?? join(folder, 'report.html');
  await writeFileAtomically(path, page);
  return path;
}
