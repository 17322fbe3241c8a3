/**
 * What a model makes of a few inputs while it learns: captions, answers and sounds, written beside its checkpoints as
 * `captions.md` for people and `samples.json` for programs.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { loadMono16k, writeWav } from '../../audio/index.js';
import { messageOf } from '../../errors.js';
import { type Bagpiper, loadBagpiper } from '../../tasks/index.js';
import { type Heard, SOUNDS, writeHeard } from '../heard.js';
import type { Auditions } from './settings.js';

const RATE = 16_000;
/** Of longer inputs the beginning is kept, seconds. */
const LONGEST = 60;

export interface AuditionOptions {
  /** model folder to load */
  model: string;
  /** folder to make; beside it, in `sounds`, the inputs are kept to be heard */
  out: string;
  threads: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Asks the model everything once, with seed 0. The folder appears when all is done.
 *
 * @throws the signal's reason; what fails otherwise is written down instead of a result
 */
export async function audition(wanted: Auditions, options: AuditionOptions): Promise<void> {
  const { model, out, threads, signal } = options;
  const aside = `${out}.part`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  const bagpiper = await loadBagpiper(model, threads === undefined ? {} : { threads });
  const heard: Heard[] = [];
  try {
    for (const { title, work } of tasksOf(wanted, bagpiper, aside, options)) {
      signal?.throwIfAborted();
      try {
        heard.push({ title, ...(await work()) });
      } catch (error) {
        signal?.throwIfAborted();
        heard.push({ title, text: '', error: messageOf(error) });
      }
    }
  } finally {
    await bagpiper.close();
  }
  writeFileSync(join(aside, 'captions.md'), `${heard.map(markdownOf).join('\n')}\n`);
  writeHeard(aside, heard);
  renameSync(aside, out);
}

interface Task {
  title: string;
  work: () => Promise<Omit<Heard, 'title'>>;
}

function tasksOf(wanted: Auditions, bagpiper: Bagpiper, aside: string, { out, signal }: AuditionOptions): Task[] {
  const sounds = join(dirname(out), SOUNDS);
  return [
    ...wanted.describe.map((path) => ({
      title: `describe ${basename(path)}`,
      work: async () => {
        const { caption } = await bagpiper.describe(path, { signal });
        return { text: caption, sound: await keepSound(path, sounds) };
      },
    })),
    ...wanted.ask.map(({ audio, question }) => ({
      title: `ask ${basename(audio)}: ${question}`,
      work: async () => {
        const { caption, thinking, answer } = await bagpiper.ask(audio, question, { signal });
        const sound = await keepSound(audio, sounds);
        return { text: answer || '(no answer)', before: [caption, thinking].join('\n'), sound };
      },
    })),
    ...wanted.render.map((text, i) => ({
      title: `render: ${text}`,
      work: async () => {
        const { caption, audio } = await bagpiper.render(text, { takes: 1, signal });
        const name = `render-${i + 1}.wav`;
        if (!audio) return { text: '(no sound)', before: caption };
        await writeWav(join(aside, name), audio.samples, audio.sampleRate);
        return { text: name, before: caption, sound: `${basename(out)}/${name}` };
      },
    })),
  ];
}

/** A copy of an input as the model hears it, once for all auditions. @returns its path below the samples */
async function keepSound(path: string, folder: string): Promise<string> {
  const { samples: whole } = await loadMono16k(path);
  const samples = whole.slice(0, LONGEST * RATE);
  const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8);
  const plain = basename(path, extname(path)).replace(/[^\w-]+/g, '_');
  const name = `${plain}-${hash}.wav`;
  mkdirSync(folder, { recursive: true });
  if (!existsSync(join(folder, name))) await writeWav(join(folder, name), samples, RATE);
  return `${SOUNDS}/${name}`;
}

function markdownOf({ title, text, before, error }: Heard): string {
  const result = error === undefined ? text : `*failed: ${error}*`;
  const lines = before === undefined ? '' : `\n\n> ${before.replaceAll('\n', '\n> ')}`;
  return `## ${title}\n\n${result}${lines}\n`;
}
