/** `bagpiper ask FILE QUESTION`: caption, thinking and answer on a terminal; the answer, or the choice, alone into a pipe. */
import { checkChoices } from '../tasks/choice.js';
import { cleanText } from '../tasks/input.js';
import type { Context } from './context.js';
import { soundInput } from './input.js';
import { checkFlags, follow, withModel } from './model.js';
import { type ModelFlags, verbOptions } from './options.js';
import { jsonLine } from './results.js';

export interface AskFlags extends ModelFlags {
  choice?: string[];
}

export async function ask(file: string, question: string, flags: AskFlags, context: Context): Promise<void> {
  const { screen, signal } = context;
  checkFlags(flags, context);
  cleanText(question, 'The question');
  const choices = flags.choice && checkChoices(flags.choice);
  if (flags.guidance !== undefined) screen.warn('--guidance acts on sound only; ask makes text.');
  const source = await soundInput(file, context);
  await withModel(flags, context, async (bagpiper) => {
    const options = { ...verbOptions(flags, signal), ...(choices ? { choices } : {}) };
    const reply = bagpiper.ask(source, question, options);
    const parts = await follow(reply, bagpiper, screen, flags.json ? [] : ['caption', 'thinking', 'answer']);
    const { caption, thinking, answer, choice } = parts;
    const content = { file, question, choices, caption, thinking, answer, choice };
    if (flags.json) await screen.result(jsonLine(content, parts, bagpiper.info));
    // Without an answer of its own the caption is all that was said; a warning tells so.
    else if (!screen.live) await screen.result(choice?.text ?? (answer === '' ? caption : answer));
  });
}
