/** Everything that is measured of the small model: its verbs, its command line, its training. */
import type { Bench } from './measure.js';
import { processRows } from './processes.js';
import { RANDOM_STEPS } from './random-model.js';
import { trainingRows } from './training.js';
import { verbRows } from './verbs.js';

export const nano: Bench = {
  about: 'the small model: describe, ask, render; the command line; a training step',
  run: async (options) => {
    const rows = [...(await verbRows(options)), ...(await processRows(options)), ...(await trainingRows(options))];
    const { text, audio } = RANDOM_STEPS;
    const notes = options.random
      ? [
          `Random weights: text always runs to ${text} tokens and sound to ${audio} rows; a trained model ends when it is done.`,
        ]
      : [];
    return { rows, notes };
  },
};
