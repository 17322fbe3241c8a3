/**
 * Models from the Hugging Face hub: what a repository holds, its files fetched so that any interruption is survived and every
 * byte is checked, kept where all of the hub's tools look for them. Listing is done by the hub's client library; fetching is
 * our own, since the library's starts over when it breaks off and checks nothing (docs/pull.md).
 */
import type { Pulled, PullOptions } from './pull.js';

export { type ConvertedFormat, convertedFolder, pulledFolder, snapshotFolder } from './find.js';
export type { Pace } from './http.js';
export type { Progress } from './meter.js';
export { looksLikeRepo } from './names.js';
export type { PullEvent, Pulled, PullOptions } from './pull.js';
export type { Skipped } from './select.js';
export type { Env } from './settings.js';
export { sizeText } from './space.js';

/**
 * Pulls a model from the hub; see pull.ts, which is loaded when first used.
 *
 * @param name `org/name` or `org/name@revision`
 * @throws BagpiperError for what the user can mend; ServerError where the hub fails; the signal's reason
 */
export async function pullModel(name: string, options: PullOptions = {}): Promise<Pulled> {
  const pull = await import('./pull.js');
  return pull.pullModel(name, options);
}
