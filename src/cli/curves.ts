/** `bagpiper curves RUN`: a training run on a page, while it runs and afterwards. */
import { once } from 'node:events';
import type { Context } from './context.js';
import { pageAddress } from './page-address.js';

export interface CurvesFlags {
  port?: string;
  json?: boolean;
}

/** Prints the page's address and serves it until it is told to end: exit code 0. */
export async function curves(folder: string, { port, json }: CurvesFlags, context: Context): Promise<void> {
  const { screen, signal, ended } = context;
  const { servePage } = await import('../train/view/index.js');
  const page = await servePage({ folder, ...pageAddress('--port', port) });
  try {
    await screen.result(json ? JSON.stringify({ url: page.url }) : page.url);
    screen.note('Ctrl-C ends it.');
    if (!signal.aborted) await once(signal, 'abort');
  } finally {
    await page.close();
  }
  ended?.();
}
