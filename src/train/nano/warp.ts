/** More voices and paces from the same clips: speech stretched in time and shifted in frequency, in its log-mel picture. */
import { hzToMel, MODEL_RATE, melToHz } from '../../audio/index.js';
import type { Random } from '../../random.js';
import type { Clip } from './encoder.js';
import { type ByteMel, FRAME_SECONDS } from './shards.js';

/** By how much speech gets faster and slower at most: a clip's middle may gain what its ends lose. */
const PACE = 0.12;
/** By how much all frequencies are raised or lowered at most, one semitone (Jaitly & Hinton 2013 warp by up to a tenth). */
const PITCH = 0.06;
/** Waves of pace in a clip, at most. */
const WAVES = 3;

/**
 * The clip as if said with another pace, which goes up and down while the length stays as it is (the time warping of
 * SpecAugment, Park et al. 2019, in smooth), by a voice a little higher or lower (vocal tract length perturbation, Jaitly
 * & Hinton 2013). For clips of speech alone: notes and events would no longer be what the scene says.
 */
export function warp({ scene, mel }: Clip, random: Random): Clip {
  const { frames } = mel;
  const wave = (Math.PI * (1 + random.int(WAVES))) / frames;
  const depth = random.range(-PACE, PACE) / wave;
  const ratio = 1 + random.range(-PITCH, PITCH);
  /** Where a frame's sound was before. */
  const before = (frame: number) => frame + depth * Math.sin(wave * frame);
  /** Where a time's sound has gone: a contraction by the depth of pace each time round. */
  const after = (seconds: number): number => {
    const target = seconds / FRAME_SECONDS;
    let frame = target;
    for (let i = 0; i < 8; i++) frame = target - depth * Math.sin(wave * frame);
    return Math.max(0, Math.min(scene.seconds, frame * FRAME_SECONDS));
  };
  const times = Float64Array.from({ length: frames }, (_, frame) => before(frame));
  return {
    mel: resample(mel, times, sourceBands(mel.bytes.length / frames, ratio)),
    scene: {
      ...scene,
      speech: scene.speech.map((turn) => ({ ...turn, start: after(turn.start), end: after(turn.end) })),
    },
  };
}

/** For every band the place among the bands where its frequency over `ratio` is. */
function sourceBands(bands: number, ratio: number): Float64Array {
  // Band centres divide the scale from 0 Hz to half the rate evenly, without its ends.
  const step = hzToMel(MODEL_RATE / 2) / (bands + 1);
  return Float64Array.from({ length: bands }, (_, band) => hzToMel(melToHz((band + 1) * step) / ratio) / step - 1);
}

/** The picture with the values that it has at places between bands and frames; beyond its edges it goes on as it ends. */
function resample({ frames, top, bytes }: ByteMel, times: Float64Array, places: Float64Array): ByteMel {
  const out = new Uint8Array(bytes.length);
  const clamp = (x: number, most: number) => Math.max(0, Math.min(most, x));
  const from = Int32Array.from(times, (t) => clamp(Math.floor(t), frames - 1));
  places.forEach((place, band) => {
    const at = clamp(place, places.length - 1);
    const low = Math.floor(at);
    const up = at - low;
    const [a, b] = [low * frames, Math.min(low + 1, places.length - 1) * frames];
    for (let frame = 0; frame < frames; frame++) {
      const t = from[frame];
      const next = Math.min(t + 1, frames - 1);
      const on = clamp(times[frame] - t, 1);
      const here = bytes[a + t] + up * (bytes[b + t] - bytes[a + t]);
      const then = bytes[a + next] + up * (bytes[b + next] - bytes[a + next]);
      out[band * frames + frame] = Math.round(here + on * (then - here));
    }
  });
  return { frames, top, bytes: out };
}
