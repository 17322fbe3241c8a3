import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWav, loadMono16k } from '../../../src/audio/index.js';
import { Hearing } from '../../../src/engine/hear.js';
import { type Model, openModel } from '../../../src/model/bagpiper.js';
import { openCodec } from '../../../src/model/codec/open.js';
import { Random } from '../../../src/random.js';
import { Ears, SoundTooLong } from '../../../src/train/records/heard.js';
import { writeTinyModel } from '../../tiny-model.js';

let folder: string;
let model: Model;
let ears: Ears;
const at = (name: string): string => join(folder, name);
const noise = (seconds: number): Float32Array => {
  const random = new Random(seconds);
  return Float32Array.from({ length: 16000 * seconds }, () => 0.2 * random.normal());
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-ears-'));
  model = openModel(await writeTinyModel(at('model')));
  ears = new Ears(model, at('cache'), 2);
  for (const seconds of [0.4, 2.3]) writeFileSync(at(`${seconds}.wav`), encodeWav(noise(seconds), 16000));
});
afterAll(async () => {
  await ears.release();
  rmSync(folder, { recursive: true, force: true });
});

describe('what training hears', () => {
  it.each([0.4, 2.3])('is what the engine hears of %s s, before the adaptor', async (seconds) => {
    const { hidden_size: hidden, adaptor_input_dim: width } = model.config;
    const hearing = new Hearing(model.config, { threads: 2, parameters: (name) => ({ data: model.tensor(name) }) });
    const sound = { path: at(`${seconds}.wav`) };
    const { vectors, tokens } = await hearing.features((await loadMono16k(sound.path)).samples);
    expect(await ears.listen(sound, 'features')).toBe(tokens);
    const features = ears.features(sound);
    const [weight, bias] = ['weight', 'bias'].map((part) => model.tensor(`adaptor.continuous_audio.${part}`));
    for (let t = 0; t < tokens; t++) {
      for (let j = 0; j < hidden; j++) {
        let sum = bias[j];
        for (let i = 0; i < width; i++) sum += weight[j * width + i] * features[t * width + i];
        expect(Math.abs(sum - vectors[t * hidden + j])).toBeLessThan(1e-4);
      }
    }
    await hearing.release();
  });

  it('answers with the codes of the part that is meant', async () => {
    const part = { path: at('2.3.wav'), start: 0.5, end: 1.5 };
    const codec = openCodec(model)!;
    const { samples } = await loadMono16k(part.path);
    const codes = await codec.encode(samples.slice(8000, 24000));
    expect(await ears.listen(part, 'codes')).toBe(codes.length / codec.codebooks);
    expect(ears.codes(part)).toEqual(codes);
    await codec.release();
  });

  it('is computed once, and anew for a file that changed', async () => {
    const sound = { path: at('0.4.wav') };
    await ears.listen(sound, 'codes');
    const count = readdirSync(at('cache')).length;
    await ears.listen(sound, 'codes');
    expect(readdirSync(at('cache'))).toHaveLength(count);
    utimesSync(sound.path, 1, 1);
    await ears.listen(sound, 'codes');
    expect(readdirSync(at('cache'))).toHaveLength(count + 1);
  });

  it('is refused where a file is missing, or too long to be heard', async () => {
    await expect(ears.listen({ path: at('none.wav') }, 'codes')).rejects.toThrow(
      'none.wav: there is no such sound file',
    );
    writeFileSync(at('long.wav'), encodeWav(new Float32Array(16000 * (model.config.max_input_seconds + 1)), 16000));
    await expect(ears.listen({ path: at('long.wav') }, 'features')).rejects.toThrow(SoundTooLong);
    await expect(ears.listen({ path: at('0.4.wav'), start: 3, end: 4 }, 'codes')).rejects.toThrow('ends before 3 s');
  });
});
