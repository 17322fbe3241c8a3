import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadMono16k, logMel } from '../../../src/audio/index.js';
import { BagpiperError } from '../../../src/errors.js';
import { listShards, melFrames, readShard, shardMels } from '../../../src/train/nano/shards.js';
import { farthest } from '../../model/codec/tiny-codec.js';
import { noiseMel, scenes, writeShard } from './clips.js';

const root = mkdtempSync(join(tmpdir(), 'shards-'));
const corpus = join(root, 'corpus');
const [a, b, c] = scenes(3);
beforeAll(async () => {
  await writeShard(corpus, 'shard-00001', [{ scene: c, seconds: 1 }]);
  await writeShard(corpus, 'shard-00000', [
    { scene: a, seconds: 1 },
    { scene: b, seconds: 0.5 },
  ]);
  // Shards that are not finished, and what else lies in a corpus.
  mkdirSync(join(corpus, 'shard-00002'));
  writeFileSync(join(corpus, 'shard-00002', 'records.jsonl.part'), '');
  writeFileSync(join(corpus, 'corpus.json'), '{}');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('listShards and readShard', () => {
  it('find the finished shards in order, with their records', () => {
    expect(listShards(corpus)).toEqual(['shard-00000', 'shard-00001']);
    const { name, folder, records } = readShard(corpus, 'shard-00000');
    expect([name, folder]).toEqual(['shard-00000', join(corpus, 'shard-00000')]);
    expect(records.map(({ scene }) => scene)).toEqual([a, b]);
    expect(records[0].caption).not.toBe('');
  });

  it('say how to make a corpus where there is none', () => {
    const [missing, begun] = [join(root, 'nowhere'), join(root, 'begun')];
    mkdirSync(join(begun, 'shard-00000'), { recursive: true });
    const hint = 'Make a corpus first: npm run corpus -- --out';
    expect(() => listShards(missing)).toThrow(new BagpiperError(`${missing} does not exist. ${hint} ${missing}`));
    expect(() => listShards(begun)).toThrow(new BagpiperError(`${begun} holds no finished shards. ${hint} ${begun}`));
  });
});

describe('melFrames', () => {
  it('lays frames out with a stride, and leaves what lies beyond the end', () => {
    const mel = { frames: 5, top: 1.25, bytes: noiseMel(5, 'mel').bytes };
    const out = new Float32Array(10 + 128 * 7).fill(9);
    melFrames(mel, 3, 4, out, 10, 7);
    const wanted = out.map((_, i) => {
      const [band, t] = [Math.floor((i - 10) / 7), (i - 10) % 7];
      return i >= 10 && t < 2 ? -0.75 + (2 * mel.bytes[band * 5 + 3 + t]) / 255 : 9;
    });
    expect(farthest(out, wanted)).toBeLessThan(1e-6);
  });
});

describe('shardMels', () => {
  const cache = join(root, 'mels');

  it('are the log-mel pictures of the clips, to half a step of 2/255', async () => {
    const shard = readShard(corpus, 'shard-00000');
    const mels = await shardMels(shard, cache);
    expect(mels.map(({ frames }) => frames)).toEqual([100, 50]);
    for (const [i, mel] of mels.entries()) {
      const { samples } = await loadMono16k(join(shard.folder, shard.records[i].audio));
      const { data } = logMel(samples, { recipe: 'training' });
      const out = new Float32Array(128 * mel.frames);
      melFrames(mel, 0, mel.frames, out, 0, mel.frames);
      expect(farthest(out, data)).toBeLessThan(1 / 255 + 1e-6);
      expect(Math.max(...out)).toBeCloseTo(Math.max(...data), 6);
    }
  });

  it('are computed once: read again from the file, without the sound', async () => {
    const shard = readShard(corpus, 'shard-00000');
    const first = await shardMels(shard, cache);
    const again = await shardMels({ ...shard, folder: join(root, 'gone') }, cache);
    expect(again.map(({ frames, top }) => [frames, top])).toEqual(first.map(({ frames, top }) => [frames, top]));
    again.forEach(({ bytes }, i) => {
      expect(Buffer.compare(bytes, first[i].bytes)).toBe(0);
    });
    expect(readdirSync(cache)).toEqual(['shard-00000.mel']);
  });

  it('leave no file where the sound cannot be read', async () => {
    const shard = readShard(corpus, 'shard-00001');
    await expect(shardMels({ ...shard, folder: join(root, 'gone') }, cache)).rejects.toThrow(BagpiperError);
    expect(readdirSync(cache)).toEqual(['shard-00000.mel']);
  });
});
