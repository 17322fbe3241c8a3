/** A model folder of nano's sizes made of random numbers: it says nothing, but it costs what nano costs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codecTensors, NANO_CODEC } from '../src/model/codec/nano-config.js';
import { Random } from '../src/random.js';
import { trainBpe } from '../src/text/index.js';
import { initialLanguageModel } from '../src/train/initial.js';
import { initialDecoder } from '../src/train/nano/codec-decoder.js';
import { initialEncoder } from '../src/train/nano/encoder.js';
import { exportModel } from '../src/train/nano/export.js';
import { ENCODER, nanoConfig, TEXT_IDS } from '../src/train/nano/settings.js';

/** Random models never stop by themselves: text of a caption's length, and 5 s of sound (125 frames and the delay). */
export const RANDOM_STEPS = { text: 160, audio: 132 } as const;

/** Writes the folder into a new temporary one. `remove` deletes it. */
export function randomModel(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'bagpiper-random-'));
  const random = new Random('random model');
  const codec = initialDecoder(NANO_CODEC, random);
  for (const [name, shape] of codecTensors(NANO_CODEC)) {
    if (codec.has(name)) continue;
    const size = shape.reduce((a, b) => a * b, 1);
    codec.set(
      name,
      Float32Array.from({ length: size }, () => random.normal()),
    );
  }
  const parameters = {
    language: initialLanguageModel(nanoConfig(), random),
    encoder: initialEncoder(ENCODER, random),
    codec,
  };
  exportModel(folder, JSON.stringify(tokenizer(random)), parameters);
  const path = join(folder, 'config.json');
  const config = JSON.parse(readFileSync(path, 'utf8'));
  for (const kind of ['text', 'audio'] as const) {
    Object.assign(config.generation[kind], { min_step: RANDOM_STEPS[kind], max_step: RANDOM_STEPS[kind] });
  }
  writeFileSync(path, JSON.stringify(config));
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A tokenizer of nano's size, trained on words of random syllables. */
function tokenizer(random: Random) {
  const syllables = Array.from({ length: 120 }, () => {
    const letters = [random.pick([...'bcdfghklmnprstvw']), random.pick([...'aeiou'])];
    return letters.join('') + random.pick(['', 'n', 'r', 's']);
  });
  const words = Array.from({ length: 4000 }, () =>
    Array.from({ length: 1 + random.int(3) }, () => random.pick(syllables)).join(''),
  );
  const texts = Array.from({ length: 3000 }, () => Array.from({ length: 20 }, () => random.pick(words)).join(' '));
  return trainBpe(texts, { vocabSize: TEXT_IDS });
}
