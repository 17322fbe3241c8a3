/** From a planned scene and its rendered parts to the clip. */
import { Random } from '../random.js';
import { addNoise, limitBand, reverberate } from './room.js';
import type { Scene } from './scene.js';
import { mixInto, normalise, silence } from './sources/dsp.js';

/** The rendered parts of a scene, each at unit loudness, in the order of the scene's lists. 16 kHz mono. */
export interface Stems {
  speech: Float32Array[];
  music: Float32Array | null;
  events: Float32Array[];
  ambience: Float32Array | null;
}

/** Level of a speech turn, dB relative to the loudest part. Speech is what other parts are set against. */
export const SPEECH_LEVEL = 0;

/**
 * Mixes a scene: parts at their times and levels, the room around them, then the recording's band and noise.
 * @returns mono samples at 16 kHz, `scene.seconds` long, with a peak between 0.3 and 0.9
 */
export function composeScene(scene: Scene, stems: Stems): Float32Array {
  const random = new Random(`${scene.seed}/mix`);
  const dry = silence(scene.seconds);
  scene.speech.forEach((turn, i) => {
    mixInto(dry, stems.speech[i] as Float32Array, turn.start, gain(SPEECH_LEVEL));
  });
  if (scene.music && stems.music) mixInto(dry, stems.music, scene.music.start, gain(scene.music.level));
  scene.events.forEach((event, i) => {
    mixInto(dry, stems.events[i] as Float32Array, event.start, gain(event.level));
  });
  const wet = reverberate(random, dry, scene.room);
  if (scene.ambience && stems.ambience) mixInto(wet, stems.ambience, 0, gain(scene.ambience.level));
  const out = addNoise(random, limitBand(wet, scene.quality.band), scene.quality.noise);
  return normalise(out, random.range(0.3, 0.9));
}

function gain(level: number): number {
  return 10 ** (level / 20);
}
