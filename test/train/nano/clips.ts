/** Small scenes, pictures, networks and corpora for the tests of train/nano. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { logMel, writeWav } from '../../../src/audio/index.js';
import type { Scene } from '../../../src/corpus/index.js';
import { makeWords } from '../../../src/corpus/index.js';
import type { AudioConfig } from '../../../src/model/index.js';
import { Random } from '../../../src/random.js';
import type { Clip } from '../../../src/train/nano/encoder.js';
import { ENCODER } from '../../../src/train/nano/settings.js';
import type { ByteMel } from '../../../src/train/nano/shards.js';
import { randomScene } from '../../corpus/random-scene.js';

/** An encoder like nano's in small. */
export const SMALL: AudioConfig = {
  ...ENCODER,
  d_model: 32,
  encoder_layers: 2,
  encoder_attention_heads: 2,
  encoder_ffn_dim: 32,
  output_dim: 16,
  downsample_hidden_size: 4,
};

/** A clip without anything. */
export const EMPTY: Scene = {
  id: 'empty',
  seed: 'test',
  split: 'test',
  seconds: 4,
  speakers: [],
  speech: [],
  music: null,
  events: [],
  ambience: null,
  room: { kind: 'dry', rt60: 0 },
  quality: { band: 'full', noise: 'none' },
};

export function scenes(count: number, seed = 'scenes'): Scene[] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => randomScene(random));
}

/** Encoder tokens of a scene's clip: one for each eight frames of 10 ms. */
export function tokensOf({ seconds }: Scene): number {
  return Math.ceil(Math.floor(seconds * 100) / 8);
}

export const SPEAKER = {
  voice: 'sally',
  gender: 'woman',
  age: 'adult',
  accent: 'American',
  pace: 'normal',
  mood: 'calm',
} as const;

/** The byte picture of a sound at 16 kHz, as shards.ts has it. */
export function picture(samples: Float32Array): ByteMel {
  const { data, frames } = logMel(samples, { recipe: 'training' });
  const top = data.reduce((a, b) => Math.max(a, b));
  return { frames, top, bytes: Uint8Array.from(data, (x) => Math.max(0, Math.round((x - top + 2) * 127.5))) };
}

export function noiseMel(frames: number, seed: string): ByteMel {
  const random = new Random(seed);
  return { frames, top: 1.25, bytes: Uint8Array.from({ length: 128 * frames }, () => random.int(256)) };
}

export function noiseClip(scene: Scene, seed: string, frames = Math.floor(scene.seconds * 100)): Clip {
  return { scene, mel: noiseMel(frames, seed) };
}

/** Writes a shard with a clip of noise, of so many seconds, for each scene. */
export async function writeShard(corpus: string, name: string, clips: { scene: Scene; seconds: number }[]) {
  const folder = join(corpus, name);
  mkdirSync(folder, { recursive: true });
  const lines: string[] = [];
  for (const [i, { scene, seconds }] of clips.entries()) {
    const random = new Random(`${name}/${i}`);
    const samples = Float32Array.from(
      { length: seconds * 16000 },
      (_, t) => random.normal() * 0.1 * Math.sin(t / 4000),
    );
    await writeWav(join(folder, `${i}.wav`), samples, 16000);
    lines.push(JSON.stringify({ scene, audio: `${i}.wav`, ...makeWords(scene, random) }));
  }
  writeFileSync(join(folder, 'records.jsonl'), `${lines.join('\n')}\n`);
}
