/** `bagpiper ask FILE QUESTION`: caption, thinking and answer on a terminal; the answer alone into a pipe. */
import { cleanText } from '../tasks/input.js';
import type { Context } from './context.js';
import { soundInput } from './input.js';
import { checkFlags, follow, withModel } from './model.js';
import { type ModelFlags, verbOptions } from './options.js';
import { jsonLine } from './results.js';

export async function ask(file: string, question: string, flags: ModelFlags, context: Context): Promise<void> {
  const { screen, signal } = context;
  checkFlags(flags, context);
  cleanText(question, 'The question');
  if (flags.guidance !== undefined) screen.warn('--guidance acts on sound only; ask makes text.');
  const source = await soundInput(file, context);
  await withModel(flags, context, async (bagpiper) => {
    const reply = bagpiper.ask(source, question, verbOptions(flags, signal));
    const parts = await follow(reply, bagpiper, screen, flags.json ? [] : ['caption', 'thinking', 'answer']);
    const { caption, thinking, answer } = parts;
    if (flags.json) await screen.result(jsonLine({ file, question, caption, thinking, answer }, parts, bagpiper.info));
    // Without an answer of its own the caption is all that was said; a warning tells so.
    else if (!screen.live) await screen.result(answer === '' ? caption : answer);
  });
}
