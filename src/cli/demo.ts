/** `bagpiper demo`, also `npm start`: hears a recording, answers a question about it, and renders a scene into out/. */
import { existsSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bagpiper, Parts, RenderedAudio } from '../tasks/types.js';
import type { Context } from './context.js';
import { CheckFailed } from './failure.js';
import { follow, withModel } from './model.js';
import type { ModelFlags } from './options.js';
import { writeOutput } from './output.js';
import { wavMetadata } from './provenance.js';
import { writePicture } from './render.js';
import { modelOf } from './results.js';

/** Its origin and licence: examples/README.md. */
export const RECORDING = fileURLToPath(new URL('../../examples/guitar.flac', import.meta.url));
const QUESTION = 'Which instruments are played?';
/** Words to be said stand in quotes: the small model copies those, and makes up others of words that are told of. */
const REQUEST = 'Make a short clip: a woman says "The night is quiet and rainy.", then a dog barks.';
const SEED = 1;

export async function demo(flags: ModelFlags, context: Context): Promise<void> {
  const { screen, signal } = context;
  await withModel(flags, context, async (bagpiper) => {
    const options = { seed: SEED, signal };
    await heading('1. Hearing', `bagpiper describe ${shown(RECORDING)}`, context);
    await parts(await follow(bagpiper.describe(RECORDING, options), bagpiper, screen, ['caption']), context);
    await heading('2. Answering', `bagpiper ask ${shown(RECORDING)} "${QUESTION}"`, context);
    await parts(
      await follow(bagpiper.ask(RECORDING, QUESTION, options), bagpiper, screen, ['caption', 'thinking', 'answer']),
      context,
    );
    await heading('3. Rendering', `bagpiper render ${inShell(REQUEST)} -o out/demo.wav --seed ${SEED}`, context);
    const made = await follow(bagpiper.render(REQUEST, options), bagpiper, screen, ['thinking', 'caption']);
    await parts(made, context);
    await keep(made, bagpiper, context);
  });
}

async function heading(title: string, command: string, { screen }: Context): Promise<void> {
  await screen.result(`\n${screen.style('bold', title)}\n$ ${command}\n`);
}

const inShell = (text: string): string => `"${text.replaceAll('"', '\\"')}"`;

/** On a terminal the parts were shown as they came. */
async function parts({ caption, thinking, answer }: Parts, { screen }: Context): Promise<void> {
  if (screen.live) return;
  const said = answer === '' ? [thinking, caption] : [caption, thinking, answer];
  const names = answer === '' ? ['Thinking', 'Caption'] : ['Caption', 'Thinking', 'Answer'];
  for (const [i, text] of said.entries()) if (text !== '') await screen.result(`${names[i]}:\n${text}\n`);
}

async function keep({ audio, caption, seed }: Parts, { info }: Bagpiper, context: Context): Promise<void> {
  if (!audio || audio.samples.length === 0) throw new CheckFailed('The model made no sound.');
  mkdirSync('out', { recursive: true });
  const provenance = {
    model: modelOf(info),
    text: REQUEST,
    direct: false,
    seed,
    temperature: info.audio.temperature,
    topK: info.audio.topk,
    guidance: info.audio.cfg,
    caption,
  };
  await save(audio, wavMetadata(provenance, context.version));
  const seconds = (audio.samples.length / audio.sampleRate).toFixed(1);
  await context.screen.result(
    `\n${seconds} s of sound: ${join('out', 'demo.wav')}\nits spectrogram:  ${join('out', 'demo.png')}`,
  );
}

async function save(audio: RenderedAudio, metadata: Record<string, string>): Promise<void> {
  const { encodeWav } = await import('../audio/index.js');
  await writeOutput(join('out', 'demo.wav'), encodeWav(audio.samples, audio.sampleRate, { metadata }));
  await writePicture(join('out', 'demo.png'), audio);
}

/** A path as one would type it here. */
function shown(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') || !existsSync(near) ? path : near;
}
