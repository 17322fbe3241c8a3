/** `bagpiper data report RUN`: a run on one HTML page. */
import { relative } from 'node:path';
import type { Context } from '../context.js';
import { checkOutput } from '../output.js';

export interface ReportFlags {
  out?: string;
  samples?: number;
  seed?: number;
  megabytes?: number;
  json?: boolean;
}

/** Prints the page's path. */
export async function dataReport(run: string, flags: ReportFlags, { screen, signal }: Context): Promise<void> {
  const { json, ...options } = flags;
  if (options.out !== undefined) checkOutput(options.out, ['.html', '.htm']);
  const { writeReport } = await import('../../data/report/index.js');
  const path = await writeReport(run, { ...options, signal, onProgress: (what) => screen.progress(what) });
  screen.clearProgress();
  await screen.result(json ? JSON.stringify({ report: path }) : relative('', path));
}
