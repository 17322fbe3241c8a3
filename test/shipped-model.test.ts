/** The model that comes with the package, at its real job. What it says may change with each training; these things may not. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { presence } from '../src/corpus/index.js';
import { type Bagpiper, loadBagpiper, packagedModel } from '../src/tasks/index.js';

const GUITAR = fileURLToPath(new URL('../examples/guitar.flac', import.meta.url));

describe('models/nano', () => {
  let bagpiper: Bagpiper;
  beforeAll(async () => {
    bagpiper = await loadBagpiper();
  });
  afterAll(() => bagpiper.close());

  it('is small enough to ship', () => {
    expect(statSync(join(packagedModel(), 'model.safetensors')).size).toBeLessThan(40e6);
  });

  it('hears music and no speech in the recording of a guitar', async () => {
    const { caption, warnings } = await bagpiper.describe(GUITAR);
    expect(presence(caption)).toMatchObject({ speech: false, music: true });
    // It is a foreign sound, of which the model may warn.
    expect(warnings.filter((text) => !text.includes('unlike what the model was trained on'))).toEqual([]);
  });

  it.skipIf(!existsSync(join(packagedModel(), 'world.safetensors')))(
    'knows a sound of its world from foreign ones',
    async () => {
      const [own, drums, birds] = await Promise.all(
        ['own', 'foreign-drums', 'foreign-birds'].map((name) =>
          bagpiper.describe(fileURLToPath(new URL(`fixtures/world/${name}.flac`, import.meta.url))),
        ),
      );
      expect(own).toMatchObject({ novelty: { foreign: false }, warnings: [] });
      for (const { novelty, warnings } of [drums, birds]) {
        expect(novelty).toMatchObject({ foreign: true });
        expect(warnings).toEqual([
          expect.stringMatching(/unlike what the model was trained on .* take the caption as a guess\.$/),
        ]);
      }
    },
  );

  it('answers after a caption and a thought, one of the choices', async () => {
    const question = 'What does this clip contain? (A) speech only (B) music only (C) speech and music (D) silence';
    const { caption, thinking, answer } = await bagpiper.ask(GUITAR, question);
    expect(caption).not.toBe('');
    expect(thinking).not.toBe('');
    expect(answer).toMatch(/music/i);
  });

  it('renders finite sound of some seconds that is not silent, the same for the same seed', async () => {
    const render = () => bagpiper.render('A slow, sad piece on a piano.', { seed: 5 });
    const [one, two] = await Promise.all([render(), render()]);
    const { samples } = one.audio!;
    expect(one.caption).not.toBe('');
    expect(one.thinking).toMatch(/^1\. User Intent: .*\n2\. .*\n3\. .*\n4\. /);
    // No clip of its world is shorter or longer, and its config says so.
    expect(samples.length).toBeGreaterThanOrEqual(3 * 16000);
    expect(samples.length).toBeLessThanOrEqual(10 * 16000);
    expect(samples.every(Number.isFinite)).toBe(true);
    expect(Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length)).toBeGreaterThan(0.003);
    expect(two.audio!.samples).toEqual(samples);
  });
});
