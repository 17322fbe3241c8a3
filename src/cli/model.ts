/** How commands load a model and follow its replies. */
import { isAddress } from '../endpoints/index.js';
import { checkOptions } from '../tasks/input.js';
import type { TextPart } from '../tasks/parse.js';
import type { Bagpiper, Parts, Reply, VerbEvent } from '../tasks/types.js';
import type { Context } from './context.js';
import { checkThreads, loadOptions, type ModelFlags, verbOptions } from './options.js';
import type { Screen } from './screen.js';

/** Checks the options that can be checked without a model. @throws BagpiperError */
export function checkFlags(flags: ModelFlags, context: Context): void {
  checkThreads(flags.threads);
  checkOptions(verbOptions(flags, context.signal));
  loadOptions(flags, context);
  if (flags.threads !== undefined && isAddress(flags.model ?? '')) {
    context.screen.warn('--threads acts on models in folders; it has no effect on a server.');
  }
  if (flags.device !== undefined && isAddress(flags.model ?? '')) {
    context.screen.warn('--device acts on models in folders; it has no effect on a server.');
  }
}

/** Loads the model, lends it to `work` and closes it. */
export async function withModel<T>(
  flags: ModelFlags,
  context: Context,
  work: (bagpiper: Bagpiper) => Promise<T>,
): Promise<T> {
  const { screen, signal } = context;
  signal.throwIfAborted();
  const atServer = isAddress(flags.model ?? '');
  screen.progress(atServer ? 'Reaching the server ...' : 'Loading the model ...');
  const { loadBagpiper } = await import('../tasks/bagpiper.js');
  const began = performance.now();
  // Waited for also when Ctrl-C comes now: a process that ends while ONNX Runtime loads in the worker thread crashes.
  const bagpiper = await loadBagpiper(flags.model, loadOptions(flags, context));
  try {
    signal.throwIfAborted();
    const { name, hash, threads, device, source } = bagpiper.info;
    const seconds = ((performance.now() - began) / 1000).toFixed(2);
    const place = device === undefined || device === 'cpu' ? '' : ` and ${device}`;
    if (atServer) screen.detail(`model ${name} at ${source}, reached in ${seconds} s`);
    else screen.detail(`model ${name} ${hash}, ${threads} threads${place}, loaded in ${seconds} s`);
    return await work(bagpiper);
  } finally {
    await bagpiper.close();
  }
}

/**
 * Shows a verb's events while they come and gives its whole answer; warnings are said.
 * @param shown parts whose text is shown on a terminal as it comes
 */
export async function follow(
  reply: Reply,
  bagpiper: Bagpiper,
  screen: Screen,
  shown: readonly TextPart[],
): Promise<Parts> {
  const hop = bagpiper.info.codec?.hop ?? 0;
  let phase = '';
  let take = '';
  for await (const event of reply) {
    if (event.type === 'phase') phase = event.phase;
    if (event.type === 'take') take = `Take ${event.take} of ${event.of}: `;
    if (event.type === 'text' && shown.includes(event.part)) screen.text(event.part, event.delta);
    else if (phase === 'audio') screen.endText();
    const line = progressLine(event, phase, hop);
    if (line) screen.progress(take + line);
  }
  screen.endText();
  screen.clearProgress();
  const parts = await reply;
  for (const warning of parts.warnings) screen.warn(warning);
  const { seconds, ...counts } = parts.stats;
  screen.detail(
    `${counts.promptRows} prompt rows, ${counts.textTokens} text tokens, ${counts.audioFrames} audio frames; seconds: ${Object.entries(
      seconds,
    )
      .map(([name, value]) => `${name} ${value.toFixed(2)}`)
      .join(', ')}`,
  );
  return parts;
}

const PHASES: Record<string, string> = {
  queued: 'Waiting ...',
  encode: 'Listening ...',
  prefill: 'Reading ...',
  text: 'Writing ...',
  audio: 'Making the sound ...',
};

function progressLine(event: VerbEvent, phase: string, hop: number): string | undefined {
  if (event.type === 'phase') return PHASES[event.phase];
  if (event.type !== 'progress') return undefined;
  if (phase === 'audio') return `Making the sound ... ${((event.rows * hop) / 16000).toFixed(1)} s`;
  return `Writing ... ${event.rows} tokens`;
}
