/** The same scenes as sound three times: the synthesizers' originals, what the small codec makes of them, and the renderings. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadMono16k, writeWav } from '../../audio/index.js';
import type { Scene } from '../../corpus/index.js';
import { scenePresence } from '../../corpus/words/caption.js';
import { openModel } from '../../model/bagpiper.js';
import { openCodec } from '../../model/codec/open.js';
import { codecRoundTrip } from './codec.js';
import { type Context, ofTakes, samplesOf, type TestClip } from './context.js';

export const STAGES = ['rendered', 'coded', 'original'] as const;
export type Stage = (typeof STAGES)[number];

/** How rows name the stages. */
export const STAGE_NAMES: Readonly<Record<Stage, string>> = {
  rendered: 'of renderings',
  coded: 'of codec round trips of the originals',
  original: 'of the original recordings',
};

/** Samples at 16 kHz of each clip at each stage, in the order of the clips; none where nothing was rendered. */
export type StagedSounds = Record<Stage, Float32Array[]>;

export const renderedPath = (context: Context, scene: Scene): string =>
  join(context.folder, ofTakes(context, 'render'), `${scene.id}.wav`);

export async function stagedSounds(context: Context, clips: readonly TestClip[]): Promise<StagedSounds> {
  const original: Float32Array[] = [];
  for (const clip of clips) original.push(await samplesOf(clip));
  const rendered: Float32Array[] = [];
  for (const { scene } of clips) {
    const path = renderedPath(context, scene);
    rendered.push(existsSync(path) ? (await loadMono16k(path)).samples : new Float32Array(0));
  }
  return { original, coded: await codedSounds(context, clips, original), rendered };
}

/** Round trips are kept as files: coding takes longer than all that is measured of it. */
async function codedSounds(
  context: Context,
  clips: readonly TestClip[],
  original: readonly Float32Array[],
): Promise<Float32Array[]> {
  const folder = join(context.folder, 'coded');
  const path = ({ scene }: TestClip): string => join(folder, `${scene.id}.wav`);
  if (clips.some((clip) => !existsSync(path(clip)))) {
    await mkdir(folder, { recursive: true });
    const { source, threads } = context.bagpiper.info;
    const codec = openCodec(openModel(source), threads)!;
    const tell = context.progress('coded');
    for (const [i, clip] of clips.entries()) {
      if (!existsSync(path(clip))) await writeWav(path(clip), await codecRoundTrip(codec, original[i]), 16000);
      tell(i + 1, clips.length);
    }
    await codec.release();
  }
  const sounds: Float32Array[] = [];
  for (const clip of clips) sounds.push((await loadMono16k(path(clip))).samples);
  return sounds;
}

export function isMusicAlone(scene: Scene): boolean {
  const { speech, music, sound } = scenePresence(scene);
  return music && !speech && !sound;
}

/** Events and nothing else, no background either. */
export function isEventsAlone(scene: Scene): boolean {
  const { speech, music } = scenePresence(scene);
  return !speech && !music && scene.events.length > 0 && scene.ambience === null;
}
