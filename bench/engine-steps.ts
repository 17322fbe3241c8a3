/**
 * What a step of a nano-sized model costs (random weights, prompt of some 200 rows): milliseconds a text token and a frame of
 * sound, alone and several at once, and the time to the first sound. `npx tsx bench/engine-steps.ts [threads]`
 */
import { availableParallelism } from 'node:os';
import { Core, type CoreRequest } from '../src/engine/core.js';
import { randomModel } from './random-model.js';

const PROMPT = '? '.repeat(98);
const STEPS = 150;

const modality = { min_step: STEPS, max_step: STEPS };
const request = (segment: 'text' | 'audio', cfg: number, seed: number): CoreRequest => ({
  messages: [{ role: 'user', modality: 'text', text: PROMPT }],
  segments: [segment],
  text: { ...modality, cfg },
  audio: { ...modality, cfg },
  seed,
});

/** Seconds of the segment and to its first sound; the best of several runs, since other programs disturb. */
async function measure(core: Core, segment: 'text' | 'audio', cfg: number, many: number) {
  const best = { step: Number.POSITIVE_INFINITY, first: Number.POSITIVE_INFINITY };
  for (let run = 0; run < 4; run++) {
    const began = performance.now();
    let codec = 0;
    let segmentAt = 0;
    const one = async (seed: number): Promise<void> => {
      await core.run(
        request(segment, cfg, seed),
        (event) => {
          if (event.type === 'segment') segmentAt = performance.now();
          if (event.type === 'audio') best.first = Math.min(best.first, performance.now() - began);
          if (event.type === 'end') codec += event.stats.seconds.codec * 1000;
        },
        new AbortController().signal,
      );
    };
    await Promise.all(Array.from({ length: many }, (_, seed) => one(seed)));
    best.step = Math.min(best.step, (performance.now() - segmentAt - codec) / STEPS);
  }
  return best;
}

const threads = Number(process.argv[2] ?? availableParallelism());
const { folder, remove } = randomModel();
const core = await Core.open(folder, threads);
console.log(`${threads} threads        at once   ms a step   first sound ms`);
for (const [segment, cfg, many] of [
  ['text', 1, 1],
  ['text', 1, 2],
  ['text', 1, 4],
  ['audio', 1, 1],
  ['audio', 3, 1],
  ['audio', 3, 2],
] as const) {
  const { step, first } = await measure(core, segment, cfg, many);
  const sound = Number.isFinite(first) ? first.toFixed(0) : '';
  const name = cfg > 1 ? `${segment}, guided` : segment;
  console.log(`${name.padEnd(19)} ${String(many).padStart(3)} ${step.toFixed(2).padStart(11)} ${sound.padStart(16)}`);
}
await core.close();
remove();
