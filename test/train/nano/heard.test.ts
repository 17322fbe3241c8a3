import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadMono16k } from '../../../src/audio/index.js';
import { NanoCodec } from '../../../src/model/codec/nano.js';
import { NANO_CODEC } from '../../../src/model/codec/nano-config.js';
import { encoderTokens } from '../../../src/model/index.js';
import { Random } from '../../../src/random.js';
import { initialEncoder } from '../../../src/train/nano/encoder.js';
import { claimHeard, hearCorpus } from '../../../src/train/nano/heard.js';
import type { Example } from '../../../src/train/nano/samples.js';
import { ENCODER } from '../../../src/train/nano/settings.js';
import { readShard } from '../../../src/train/nano/shards.js';
import { tinyTensors } from '../../model/codec/tiny-codec.js';
import { scenes, writeShard } from './clips.js';

const root = mkdtempSync(join(tmpdir(), 'heard-'));
const corpus = join(root, 'corpus');
const [a, b, c] = scenes(3);
const options = {
  corpus,
  mels: join(root, 'mels'),
  cache: join(root, 'heard'),
  encoder: initialEncoder(ENCODER, new Random('heard')),
  audio: ENCODER,
  codec: NanoCodec.load(tinyTensors(NANO_CODEC), NANO_CODEC, { threads: 1 }),
  threads: 1,
};

describe('hearCorpus', () => {
  let examples: Example[];
  beforeAll(async () => {
    await writeShard(corpus, 'shard-00000', [
      { scene: a, seconds: 1 },
      { scene: b, seconds: 0.3 },
    ]);
    await writeShard(corpus, 'shard-00001', [{ scene: c, seconds: 0.5 }]);
    examples = await hearCorpus(options);
  });
  afterAll(async () => {
    await options.codec.release();
    rmSync(root, { recursive: true, force: true });
  });

  it('gives every clip of the corpus its features and codes', async () => {
    expect(examples.map(({ scene }) => scene)).toEqual([a, b, c]);
    const tokens = [100, 30, 50].map((frames) => encoderTokens(frames, ENCODER));
    expect(examples.map(({ features }) => features.length)).toEqual(tokens.map((n) => n * ENCODER.output_dim));
    expect(examples.every(({ features }) => features.every(Number.isFinite))).toBe(true);
    const shard = readShard(corpus, 'shard-00000');
    for (const i of [0, 1]) {
      const { samples } = await loadMono16k(join(shard.folder, shard.records[i].audio));
      expect(examples[i].codes).toEqual(await options.codec.encode(samples));
    }
  });

  it('reads them from its files the second time', async () => {
    const files = ['shard-00000.codes', 'shard-00000.features', 'shard-00001.codes', 'shard-00001.features'];
    expect(readdirSync(options.cache).sort()).toEqual(files);
    for (const name of ['shard-00000', 'shard-00001']) {
      for (const file of readdirSync(join(corpus, name))) {
        if (file.endsWith('.wav')) renameSync(join(corpus, name, file), join(root, `${name}-${file}`));
      }
    }
    rmSync(options.mels, { recursive: true });
    // Without sound, pictures and an encoder there is nothing else to take them from.
    expect(await hearCorpus({ ...options, encoder: new Map() })).toEqual(examples);
  });

  it('gives back the first clips alone where no more are wanted, and hears the others all the same', async () => {
    const few = join(root, 'few');
    const there = { ...options, corpus: few, mels: join(few, 'mels'), cache: join(few, 'heard') };
    await writeShard(few, 'shard-00000', [
      { scene: a, seconds: 0.5 },
      { scene: b, seconds: 0.3 },
    ]);
    await writeShard(few, 'shard-00001', [{ scene: c, seconds: 0.5 }]);
    const first = await hearCorpus({ ...there, keep: 1 });
    expect(first.map(({ scene }) => scene)).toEqual([a]);
    expect(readdirSync(there.cache)).toContain('shard-00001.features');
    const all = await hearCorpus(there);
    expect(all.map(({ scene }) => scene)).toEqual([a, b, c]);
    expect(all[0]).toEqual(first[0]);
  });

  it('hears a shard again that has grown since', async () => {
    const grown = join(root, 'grown');
    const there = { ...options, corpus: grown, mels: join(grown, 'mels'), cache: join(grown, 'heard') };
    await writeShard(grown, 'shard-00000', [{ scene: a, seconds: 0.5 }]);
    const [before] = await hearCorpus(there);
    await writeShard(grown, 'shard-00000', [
      { scene: a, seconds: 0.5 },
      { scene: b, seconds: 0.3 },
    ]);
    const now = await hearCorpus(there);
    expect(now.map(({ scene }) => scene)).toEqual([a, b]);
    expect(now[0]).toEqual(before);
    expect(now[1].features.length).toBe(encoderTokens(30, ENCODER) * ENCODER.output_dim);
    expect(now[1].codes!.length).toBeGreaterThan(0);
  });
});

describe('claimHeard', () => {
  const weights = (...entries: [string, number[]][]): Map<string, Float32Array> =>
    new Map(entries.map(([name, values]) => [name, Float32Array.from(values)]));
  const encoder = weights(['a', [1, 2]], ['b', [3]]);
  const codec = weights(['c', [4]]);
  const folder = mkdtempSync(join(tmpdir(), 'bagpiper-claim-'));
  beforeAll(() => {
    claimHeard(join(folder, 'heard'), encoder, codec);
    mkdirSync(join(folder, 'heard', 'train'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('lets the same weights in again, in whatever order they were read', () => {
    expect(() => claimHeard(join(folder, 'heard'), weights(['b', [3]], ['a', [1, 2]]), codec)).not.toThrow();
  });

  it('lets in what is left of them in half floats', () => {
    const trained = weights(['a', [1.0001, 2]], ['b', [2.9999]]);
    expect(() => claimHeard(join(folder, 'heard'), trained, codec)).not.toThrow();
  });

  it('lets anybody in where nothing was heard yet, once', () => {
    const early = join(folder, 'early');
    claimHeard(early, encoder, codec);
    claimHeard(early, codec);
    mkdirSync(join(early, 'train'));
    expect(() => claimHeard(early, codec)).not.toThrow();
    expect(() => claimHeard(early, encoder, codec)).toThrow(/another encoder or codec/);
  });

  it.each([
    ['a value', [weights(['a', [1, 2]], ['b', [3.5]]), codec]],
    ['a name', [weights(['a', [1, 2]], ['d', [3]]), codec]],
    ['the division between weights', [weights(['a', [1]], ['b', [2, 3]]), codec]],
    ['the codec', [encoder, weights(['c', [5]])]],
  ])('refuses others: %s differs', (_, networks) => {
    expect(() => claimHeard(join(folder, 'heard'), ...networks)).toThrow(
      `${join(folder, 'heard')} holds what another encoder or codec heard of the corpus; remove that folder, or train in another one.`,
    );
  });
});
