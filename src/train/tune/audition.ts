/** What a model makes of a few inputs while it learns: captions, answers and sounds, written beside its checkpoints. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { writeWav } from '../../audio/index.js';
import { messageOf } from '../../errors.js';
import { loadBagpiper } from '../../tasks/index.js';
import type { Auditions } from './settings.js';

export interface AuditionOptions {
  /** model folder to load */
  model: string;
  /** folder to make: `captions.md` and a WAV file for each rendered text */
  out: string;
  threads: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Asks the model everything once, with seed 0. The folder appears when all is done.
 *
 * @throws the signal's reason; what fails otherwise is written down instead of a result
 */
export async function audition(wanted: Auditions, { model, out, threads, signal }: AuditionOptions): Promise<void> {
  const aside = `${out}.part`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  const bagpiper = await loadBagpiper(model, threads === undefined ? {} : { threads });
  const lines: string[] = [];
  const attempt = async (title: string, work: () => Promise<string>): Promise<void> => {
    signal?.throwIfAborted();
    lines.push(`## ${title}\n`);
    try {
      lines.push(`${await work()}\n`);
    } catch (error) {
      signal?.throwIfAborted();
      lines.push(`*failed: ${messageOf(error)}*\n`);
    }
  };
  try {
    for (const path of wanted.describe) {
      await attempt(`describe ${basename(path)}`, async () => (await bagpiper.describe(path, { signal })).caption);
    }
    for (const { audio, question } of wanted.ask) {
      await attempt(`ask ${basename(audio)}: ${question}`, async () => {
        const { caption, thinking, answer } = await bagpiper.ask(audio, question, { signal });
        return `${answer || '(no answer)'}\n\n> ${[caption, thinking].join('\n').replaceAll('\n', '\n> ')}`;
      });
    }
    for (const [i, text] of wanted.render.entries()) {
      await attempt(`render: ${text}`, async () => {
        const { caption, audio } = await bagpiper.render(text, { signal });
        const name = `render-${i + 1}.wav`;
        if (audio) await writeWav(join(aside, name), audio.samples, audio.sampleRate);
        return `${audio ? name : '(no sound)'}\n\n> ${caption.replaceAll('\n', '\n> ')}`;
      });
    }
  } finally {
    await bagpiper.close();
  }
  writeFileSync(join(aside, 'captions.md'), `${lines.join('\n')}\n`);
  renameSync(aside, out);
}
