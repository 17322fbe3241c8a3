/** More to hear from the same clips: speech laid over another clip's music and sounds, in their log-mel pictures. */
import { isSpeechAlone, type Scene } from '../../corpus/index.js';
import type { Random } from '../../random.js';
import type { Clip } from './encoder.js';
import { type ByteMel, FRAME_SECONDS } from './shards.js';

/** An event of which less is left where a clip ends is no longer told. */
const LEAST_LEFT = 0.2;
/** By how many decibels the background is lowered, at most. */
const LOWERED = 10;

/** Whether speech can be laid over something else: nothing else is there, and all of the band. */
export const isForeground = (scene: Scene): boolean => isSpeechAlone(scene) && scene.quality.band === 'full';

/** Whether a clip can lie under speech: none in it, all of the band, no noise of its own. */
export const isBackground = ({ speech, quality }: Scene): boolean =>
  speech.length === 0 && quality.band === 'full' && quality.noise === 'none';

/**
 * Speech with a part of another clip under it. Powers of mel bands add up, as those of sounds that have nothing to do
 * with each other do; the scene says of the mixture what is true of it. The room is that of the speech.
 */
export function layOver(speech: Clip, under: Clip, random: Random): Clip {
  const { frames } = speech.mel;
  // A longer background begins somewhere in it, a shorter one lies somewhere under the speech.
  const shift = random.int(Math.abs(frames - under.mel.frames) + 1) * Math.sign(frames - under.mel.frames);
  const level = -random.range(0, LOWERED) / 10;
  const { seconds } = speech.scene;
  const part = <T extends { start: number; end: number }>(x: T) => ({
    ...x,
    start: Math.max(0, x.start + shift * FRAME_SECONDS),
    end: Math.min(seconds, x.end + shift * FRAME_SECONDS),
  });
  const { music, ambience } = under.scene;
  return {
    mel: addPictures(speech.mel, under.mel, shift, level),
    scene: {
      ...speech.scene,
      music: music && { ...part(music), role: 'background' },
      events: under.scene.events.map(part).filter(({ start, end }) => end - start >= LEAST_LEFT),
      ambience,
    },
  };
}

/** Whether the background is everywhere under the speech, as one with an ambience must be. */
export const covers = (speech: Clip, under: Clip): boolean =>
  under.scene.ambience === null || under.mel.frames >= speech.mel.frames;

/** Bytes of a picture are steps of log10 power: 2 of the recipe's units span 255, and a unit is 4 decades. */
const DECADES = 8 / 255;
/** log10(1 + 10^-d) in bytes, for a difference of d bytes. */
const LOUDER = Float32Array.from({ length: 512 }, (_, d) => Math.log10(1 + 10 ** (-d * DECADES)) / DECADES);

/**
 * @param shift frames by which `b` begins after `a`
 * @param level of `b` in bels
 * @returns a picture as long as `a`
 */
function addPictures(a: ByteMel, b: ByteMel, shift: number, level: number): ByteMel {
  const bands = a.bytes.length / a.frames;
  // All in bytes above the floor of a.
  const offset = ((b.top - a.top) * 255) / 2 + level / DECADES;
  const sum = new Float32Array(a.bytes.length);
  let most = 0;
  for (let band = 0; band < bands; band++) {
    for (let t = 0; t < a.frames; t++) {
      const at = band * a.frames + t;
      const from = t - shift;
      const x = a.bytes[at];
      if (from < 0 || from >= b.frames) sum[at] = x;
      else {
        const y = b.bytes[band * b.frames + from] + offset;
        const apart = Math.abs(x - y);
        sum[at] = Math.max(x, y) + (apart < 511 ? LOUDER[Math.round(apart)] : 0);
      }
      if (sum[at] > most) most = sum[at];
    }
  }
  // The recipe cuts at two units below the largest value.
  const bytes = Uint8Array.from(sum, (x) => Math.max(0, Math.round(x + 255 - most)));
  return { frames: a.frames, top: a.top + ((most - 255) * 2) / 255, bytes };
}
