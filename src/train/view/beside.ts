/** The page of a run beside its training, in a thread of its own. */
import { Worker } from 'node:worker_threads';
import { BagpiperError } from '../../errors.js';
import type { Page, PageOptions } from './serve.js';
import type { FromThread } from './thread.js';

/** Compiled JavaScript, also when this module runs as TypeScript in tests. */
function threadUrl(): URL {
  const here = import.meta.url;
  return here.endsWith('.ts') ? new URL('../../../dist/train/view/thread.js', here) : new URL('./thread.js', here);
}

/**
 * As `servePage`, in another thread.
 *
 * @param onEnd hears that the page has ended by itself
 */
export function servePageBeside(options: PageOptions, onEnd: (why: string) => void): Promise<Page> {
  const worker = new Worker(threadUrl(), { workerData: options });
  let closing = false;
  const close = async (): Promise<void> => {
    closing = true;
    await worker.terminate();
  };
  return new Promise((done, fail) => {
    worker.on('message', (message: FromThread) => {
      if ('url' in message) return done({ url: message.url, close });
      void close();
      fail(message.expected ? new BagpiperError(message.failed) : new Error(message.failed));
    });
    worker.on('error', (error) => {
      fail(error);
      onEnd(error.message);
    });
    worker.on('exit', () => {
      if (!closing) onEnd('its thread has ended');
    });
  });
}
