/** A corpus folder of random scenes with noise for sound. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWav } from '../../src/audio/index.js';
import { type CorpusRecord, makeWords } from '../../src/corpus/index.js';
import { Random } from '../../src/random.js';
import { randomScene } from '../corpus/random-scene.js';

/** Writes `count` clips of a second. */
export function writeSmallCorpus(folder: string, count: number, split: 'train' | 'test' = 'test'): CorpusRecord[] {
  const random = new Random('small corpus');
  const shard = join(folder, 'shard-00000');
  mkdirSync(join(shard, 'audio'), { recursive: true });
  const records = Array.from({ length: count }, (_, i): CorpusRecord => {
    const scene = { ...randomScene(random), id: `clip-${i}`, split };
    const audio = `audio/${scene.id}.wav`;
    writeFileSync(
      join(shard, audio),
      encodeWav(
        Float32Array.from({ length: 16000 }, () => 0.1 * random.normal()),
        16000,
      ),
    );
    return { scene, audio, ...makeWords(scene, random) };
  });
  writeFileSync(join(shard, 'records.jsonl'), `${records.map((r) => JSON.stringify(r)).join('\n')}\n`);
  return records;
}
