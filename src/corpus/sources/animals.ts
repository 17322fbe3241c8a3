/** Synthetic animals and small natural sounds. Every call draws its own size, pitch and rhythm. */
import type { Random } from '../../random.js';
import {
  brownNoise,
  decay,
  fade,
  filter,
  layers,
  mixInto,
  noise,
  normalise,
  saturate,
  shape,
  silence,
  struck,
  tone,
} from './dsp.js';

/** Makes one instance of a sound. @returns mono 16 kHz samples, at most `seconds` long; any scale */
export type Generator = (random: Random, seconds: number) => Float32Array;

const SAW = [1, 0.6, 0.45, 0.35, 0.28, 0.22, 0.18, 0.15, 0.12, 0.1, 0.08, 0.07];

/** Repeats `make` with pauses until the time is used up. */
export function repeat(
  seconds: number,
  period: (index: number) => number,
  make: (index: number) => Float32Array,
  limit = 99,
): Float32Array {
  const out = silence(seconds);
  let at = 0;
  for (let i = 0; i < limit; i++) {
    const one = make(i);
    if (i > 0 && at + one.length / 16000 > seconds + 0.01) break;
    mixInto(out, one, at);
    at += period(i);
  }
  return out;
}

const dogBark: Generator = (random, seconds) => {
  const base = random.range(180, 420);
  const formant = base * random.range(2.6, 3.4);
  const voice = tone(seconds, (_, u) => base * (1 + 0.9 * Math.sin(Math.PI * Math.min(1, u * 1.2))), SAW);
  layers(voice, filter(noise(random, seconds), 'band', formant, 1.5));
  const body = layers(filter(voice.slice(), 'band', formant, 1.6), filter(voice, 'band', formant * 0.45, 1.2));
  return fade(
    shape(saturate(normalise(body), 2.5), (_, u) => (1 - u) ** 0.7),
    0.008,
    0.04,
  );
};

const catMeow: Generator = (random, seconds) => {
  const base = random.range(420, 620);
  const top = random.range(1.35, 1.7);
  const voice = tone(
    seconds,
    (t, u) => base * (1 + (top - 1) * Math.sin(Math.PI * u ** 0.7)) * (1 + 0.01 * Math.sin(38 * t)),
    SAW,
  );
  const open = filter(voice.slice(), 'band', (_, u) => 700 + 1700 * Math.sin(Math.PI * u ** 0.8), 2.2);
  layers(open, shape(filter(voice, 'low', 1200), 0.25));
  return fade(
    shape(open, (_, u) => Math.sin(Math.PI * u ** 0.6) ** 0.8),
    0.04,
    0.12,
  );
};

const birdChirp: Generator = (random, seconds) => {
  const centre = random.range(3200, 5200);
  const length = random.range(0.05, 0.13);
  const sweep = random.range(-0.35, 0.35);
  const trill = random.chance(0.5) ? random.range(25, 45) : 0;
  return repeat(
    seconds,
    () => length + random.range(0.05, 0.16),
    () => {
      const one = tone(
        length,
        (t, u) => centre * (1 + sweep * (u - 0.5) + (trill ? 0.08 * Math.sin(2 * Math.PI * trill * t) : 0)),
        [1, 0.08],
      );
      return shape(one, (_, u) => Math.sin(Math.PI * u));
    },
  );
};

const frogCroak: Generator = (random, seconds) => {
  const rate = random.range(38, 62);
  const low = random.range(420, 650);
  const pulse = struck(0.03, [
    [low, 1, 0.05],
    [low * 2.7, 0.6, 0.03],
    [low * 4.1, 0.2, 0.02],
  ]);
  const pulses = repeat(
    seconds,
    () => 1 / rate,
    () => pulse,
  );
  return shape(pulses, (_, u) => Math.sin(Math.PI * u ** 0.6));
};

const owlHoot: Generator = (random, seconds) => {
  const pitch = random.range(300, 430);
  const one = tone(
    seconds,
    (t, u) => pitch * (1 + 0.07 * Math.sin(Math.PI * u) + 0.008 * Math.sin(40 * t)),
    [1, 0.12, 0.05],
  );
  layers(one, shape(filter(noise(random, seconds), 'band', pitch, 4), 0.15));
  return shape(one, (_, u) => Math.sin(Math.PI * u) ** 0.7);
};

const cuckooCall: Generator = (random, seconds) => {
  const pitch = random.range(600, 760);
  const note = (f: number, length: number) =>
    shape(tone(length, f, [1, 0.25, 0.08]), (_, u) => Math.min(1, u * 12) * (1 - u) ** 0.5);
  return mixInto(
    mixInto(silence(seconds), note(pitch, seconds * 0.36), 0),
    note(pitch / random.range(1.19, 1.26), seconds * 0.55),
    seconds * 0.44,
  );
};

const mosquito: Generator = (random, seconds) => {
  const pitch = random.range(480, 640);
  const speed = random.range(0.6, 1.6);
  const phase = random.range(0, 6);
  const x = tone(
    seconds,
    (t) => pitch * (1 + 0.09 * Math.sin(2 * Math.PI * speed * t + phase) + 0.01 * Math.sin(90 * t)),
    [1, 0.9, 0.7, 0.5, 0.35, 0.25],
  );
  return fade(
    shape(x, (t) => 0.55 + 0.45 * Math.sin(2 * Math.PI * speed * 0.8 * t + phase)),
    0.15,
    0.2,
  );
};

const horseGallop: Generator = (random, seconds) => {
  const period = random.range(0.36, 0.48);
  const wood = random.range(620, 950);
  const hit = (i: number) => {
    const f = wood * [1, 1.25, 0.85][i % 3]! * random.range(0.97, 1.03);
    return layers(
      struck(0.09, [
        [f, 1, 0.07],
        [f * 2.4, 0.4, 0.04],
      ]),
      decay(filter(noise(random, 0.05), 'low', 1500), 0.03),
    );
  };
  return repeat(seconds, (i) => (i % 3 === 2 ? period * 0.52 : period * 0.24), hit);
};

const thunder: Generator = (random, seconds) => {
  const out = silence(seconds);
  const rolls = 2 + random.int(3);
  for (let i = 0; i < rolls; i++) {
    const start = i === 0 ? 0 : random.range(0.1, 0.55) * seconds;
    const rumble = filter(brownNoise(random, seconds - start), 'low', random.range(160, 420));
    mixInto(
      out,
      shape(rumble, (t, u) => Math.min(1, t * 9) * (1 - u) ** 2),
      start,
      i === 0 ? 1 : random.range(0.4, 0.9),
    );
  }
  if (random.chance(0.6)) {
    const crack = decay(filter(noise(random, 0.5), 'low', 3200), random.range(0.3, 0.5));
    mixInto(out, normalise(crack), 0.02, 1.2);
  }
  return out;
};

const waterDrip: Generator = (random, seconds) => {
  const pitch = random.range(700, 1300);
  const gap = random.range(0.28, 0.6);
  return repeat(
    seconds,
    () => gap * random.range(0.85, 1.2),
    () => {
      const f = pitch * random.range(0.9, 1.1);
      return decay(
        tone(0.11, (_, u) => f * (1 + 0.9 * u), [1, 0.15]),
        0.09,
        0.003,
      );
    },
    4,
  );
};

const bubbles: Generator = (random, seconds) => {
  const out = silence(seconds);
  const count = Math.round(seconds * random.range(16, 28));
  for (let i = 0; i < count; i++) {
    const f = random.range(280, 900);
    const length = random.range(0.03, 0.08);
    const one = shape(
      tone(length, (_, u) => f * (1 + 0.5 * u)),
      (_, u) => Math.sin(Math.PI * u),
    );
    mixInto(out, one, random.range(0, seconds - length), random.range(0.3, 1));
  }
  return out;
};

/** Generators by label of events.ts. */
export const ANIMALS: Readonly<Record<string, Generator>> = {
  'dog bark': dogBark,
  'cat meow': catMeow,
  'bird chirp': birdChirp,
  'frog croak': frogCroak,
  'owl hoot': owlHoot,
  'cuckoo call': cuckooCall,
  'mosquito buzz': mosquito,
  'horse gallop': horseGallop,
  thunder,
  'water drip': waterDrip,
  bubbles,
};
