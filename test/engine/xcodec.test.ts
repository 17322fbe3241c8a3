import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Core } from '../../src/engine/core.js';
import { SoundStream } from '../../src/engine/sound.js';
import type { EngineEvent } from '../../src/engine/types.js';
import { openModel } from '../../src/model/bagpiper.js';
import { openCodec } from '../../src/model/codec/open.js';
import { Xcodec } from '../../src/model/codec/xcodec.js';
import { delayInterleave } from '../../src/model/index.js';
import { Random } from '../../src/random.js';
import { openSafetensors, toFloat32 } from '../../src/weights/index.js';
import { reference } from '../model/parity-kit.js';
import { TINY, type TinyTensor, writeTinyModel } from '../tiny-model.js';

const PREFIX = 'multimodal_io_dict.discrete_audio.codec_model.';
let folder: string;

/** The reference X-Codec cut to the tiny model's four streams, with the tensors that nothing uses. */
beforeAll(async () => {
  const source = openSafetensors(join(reference('xcodec'), 'model.safetensors'));
  const codec: TinyTensor[] = [...source.tensors.values()]
    .filter(({ name }) => !/quantizers\.[4-7]\.codebook\.embed$/.test(name))
    .map(({ name, shape }) => ({ name: PREFIX + name, shape: [...shape], data: toFloat32(source.tensor(name)) }));
  const sizes = JSON.parse(readFileSync(join(reference('xcodec'), 'config.json'), 'utf8'));
  folder = await writeTinyModel(
    mkdtempSync(join(tmpdir(), 'bagpiper-xcodec-')),
    (tensors) => [...tensors.filter(({ name }) => !name.startsWith(PREFIX)), ...codec],
    { ...TINY, codec_config: { ...sizes, type: 'xcodec', target_bandwidths: [0.3, 1.2] } },
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

it('speaks X-Codec where the config names it: 320 samples a frame', async () => {
  const core = await Core.open(folder, 1);
  expect(core.info.codec).toEqual({ hop: 320, codebooks: TINY.num_stream });
  const events: EngineEvent[] = [];
  const request = {
    messages: [{ role: 'user', modality: 'text', text: 'a bell' }],
    segments: ['audio'],
    seed: 1,
    audio: { min_step: 33, max_step: 33 },
  } as const;
  const { signal } = new AbortController();
  await core.run(
    { ...request, messages: [...request.messages], segments: [...request.segments] },
    (e) => events.push(e),
    signal,
  );
  await core.close();
  const sounds = events.flatMap((event) => (event.type === 'audio' ? [event.samples] : []));
  expect(sounds.length).toBeGreaterThan(1);
  expect(sounds.reduce((sum, { length }) => sum + length, 0)).toBe((33 - TINY.num_stream + 1) * 320);
});

it('streams what decoding all codes at once gives', async () => {
  const model = openModel(folder);
  const codec = openCodec(model, 1)!;
  expect(codec).toBeInstanceOf(Xcodec);
  const random = new Random('codes');
  const codes = Int32Array.from({ length: 100 * TINY.num_stream }, () => random.int(16));
  const ids = delayInterleave(codes, model.config);
  const stream = new SoundStream(model.config, codec, () => {});
  for (let at = 0; at < ids.length; at += TINY.num_stream) stream.push(ids.subarray(at, at + TINY.num_stream));
  const [samples, whole] = [await stream.end(), await codec.decode(codes)];
  await codec.release();
  expect(samples).toHaveLength(100 * 320);
  expect(Math.max(...samples.map((x, i) => Math.abs(x - whole[i])))).toBeLessThan(1e-5);
});
