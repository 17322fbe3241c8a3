/** Synthetic sounds of a house, of people and of tools. Every call draws its own material and rhythm. */
import type { Random } from '../../random.js';
import { type Generator, repeat } from './animals.js';
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

/** A short broadband click through a resonance. */
function click(random: Random, frequency: number, q: number, t60: number): Float32Array {
  return normalise(decay(filter(noise(random, t60 * 1.5), 'band', frequency, q), t60, 0.0005));
}

const knock: Generator = (random, seconds) => {
  const wood = random.range(150, 240);
  const gap = random.range(0.17, 0.28);
  return repeat(
    seconds,
    () => gap * random.range(0.95, 1.05),
    () =>
      layers(
        struck(0.14, [
          [wood, 1, 0.12],
          [wood * 2.3, 0.6, 0.08],
          [wood * 4.6, 0.25, 0.04],
        ]),
        shape(click(random, 1300, 0.7, 0.02), 0.5),
      ),
    2 + random.int(3),
  );
};

const doorbell: Generator = (random, seconds) => {
  const high = random.range(600, 760);
  const bell = (f: number) =>
    struck(seconds, [
      [f, 1, 1.2],
      [f * 2, 0.3, 0.7],
      [f * 3.01, 0.2, 0.4],
      [f * 5.2, 0.1, 0.2],
    ]);
  return mixInto(bell(high), bell(high * 0.794), seconds * 0.38);
};

const clockTicking: Generator = (random, seconds) => {
  const f = random.range(2200, 3600);
  const period = random.range(0.33, 0.5);
  return repeat(
    seconds,
    () => period,
    (i) => click(random, i % 2 ? f : f * 0.78, 5, 0.025),
  );
};

const glassClink: Generator = (random, seconds) => {
  const f = random.range(2000, 2900);
  const one = (k: number) =>
    struck(Math.min(seconds, 0.6), [
      [f * k, 1, 0.5],
      [f * 1.52 * k, 0.6, 0.4],
      [f * 2.31 * k, 0.5, 0.25],
      [f * 2.9 * k, 0.3, 0.2],
    ]);
  const out = mixInto(silence(seconds), one(1), 0);
  return random.chance(0.5) && seconds > 0.5 ? mixInto(out, one(1.06), 0.25, 0.8) : out;
};

const glassBreaking: Generator = (random, seconds) => {
  const out = mixInto(silence(seconds), decay(filter(noise(random, 0.25), 'high', 1800), 0.16), 0, 0.9);
  const shards = 18 + random.int(14);
  for (let i = 0; i < shards; i++) {
    const f = random.range(2300, 6800);
    const at = random.next() ** 1.7 * (seconds - 0.15);
    mixInto(
      out,
      struck(0.15, [
        [f, 1, 0.12],
        [f * 1.37, 0.6, 0.08],
      ]),
      at,
      0.5 * (1 - at / seconds),
    );
  }
  return out;
};

const typing: Generator = (random, seconds) =>
  repeat(
    seconds,
    () => random.range(0.07, 0.2),
    () =>
      layers(
        click(random, random.range(1700, 2600), 1.2, 0.02),
        shape(struck(0.04, [[random.range(280, 380), 1, 0.03]]), 0.5),
      ),
  );

const shutter: Generator = (random, seconds) => {
  const gap = random.range(0.07, 0.13);
  const out = mixInto(silence(Math.min(seconds, 0.4)), click(random, random.range(2500, 3500), 0.8, 0.03), 0);
  mixInto(out, shape(filter(noise(random, gap), 'band', 5000, 1), 0.12), 0);
  return mixInto(out, click(random, random.range(1200, 2000), 0.8, 0.05), gap);
};

const zipper: Generator = (random, seconds) => {
  const from = random.range(40, 60);
  const up = random.chance(0.5);
  const teeth = tone(seconds, (_, u) => from * (1 + 2 * (up ? u : 1 - u)));
  const x = filter(noise(random, seconds), 'band', (_, u) => 1800 + 3200 * (up ? u : 1 - u), 1.5);
  return fade(
    shape(x, (t) => Math.max(0, teeth[Math.min(teeth.length - 1, Math.round(t * 16000))] as number) ** 3),
    0.02,
    0.03,
  );
};

const footsteps: Generator = (random, seconds) => {
  const period = random.range(0.42, 0.62);
  const heel = random.range(90, 150);
  const grit = random.range(700, 1600);
  return repeat(
    seconds,
    () => period * random.range(0.95, 1.05),
    () => {
      const step = struck(0.2, [
        [heel, 1, 0.1],
        [heel * 2.1, 0.4, 0.06],
      ]);
      mixInto(
        step,
        shape(filter(noise(random, 0.12), 'band', grit, 0.8), (_, u) => Math.sin(Math.PI * u)),
        0.04,
        0.35,
      );
      return mixInto(step, click(random, grit * 1.6, 0.8, 0.02), 0, 0.5);
    },
  );
};

const applause: Generator = (random, seconds) => {
  const out = silence(seconds);
  const claps = Math.round(seconds * 110);
  const hands = Array.from({ length: 12 }, () =>
    click(random, random.range(800, 2200), random.range(0.7, 1.5), random.range(0.015, 0.03)),
  );
  for (let i = 0; i < claps; i++)
    mixInto(out, random.pick(hands), random.range(0, seconds - 0.05), random.range(0.2, 1));
  return fade(out, 0.25, 0.5);
};

const heartbeat: Generator = (random, seconds) => {
  const period = random.range(0.6, 0.95);
  const f = random.range(52, 75);
  const beat = (k: number) =>
    shape(
      tone(0.16, (_, u) => f * k * (1.3 - 0.5 * u), [1, 0.5, 0.3, 0.1]),
      (_, u) => Math.sin(Math.PI * u ** 0.5),
    );
  return repeat(
    seconds,
    () => period,
    () => mixInto(mixInto(silence(0.42), beat(1), 0), beat(1.25), 0.22, 0.7),
  );
};

const humanWhistle: Generator = (random, seconds) => {
  const base = random.range(1000, 1500);
  const steps = [0, 2, 4, 5, 7, 9, 12];
  const notes = Math.max(2, Math.round(seconds / 0.28));
  const pitches = Array.from({ length: notes }, () => base * 2 ** (random.pick(steps) / 12));
  const x = tone(seconds, (t, u) => {
    const place = Math.min(notes - 1, Math.floor(u * notes));
    const now = pitches[place] as number;
    const last = pitches[Math.max(0, place - 1)] as number;
    const glide = Math.min(1, (u * notes - place) * 5);
    return (last + (now - last) * glide) * (1 + 0.008 * Math.sin(2 * Math.PI * 5.5 * t));
  });
  layers(x, shape(filter(noise(random, seconds), 'band', base * 1.3, 3), 0.05));
  return fade(x, 0.04, 0.06);
};

const hammer: Generator = (random, seconds) => {
  const f = random.range(900, 1500);
  const period = random.range(0.3, 0.48);
  return repeat(
    seconds,
    () => period * random.range(0.96, 1.04),
    () =>
      layers(
        struck(0.25, [
          [f, 0.8, 0.2],
          [f * 2.76, 0.7, 0.15],
          [f * 4.1, 0.4, 0.1],
          [130, 1, 0.08],
        ]),
        shape(click(random, 3000, 0.6, 0.015), 0.8),
      ),
  );
};

const handSaw: Generator = (random, seconds) => {
  const stroke = random.range(0.28, 0.42);
  const teeth = random.range(70, 110);
  return repeat(
    seconds,
    () => stroke * 1.08,
    (i) => {
      const x = filter(noise(random, stroke), 'band', i % 2 ? 1500 : 2300, 1.1);
      shape(
        x,
        (t, u) =>
          (0.35 + 0.65 * Math.max(0, Math.sin(2 * Math.PI * teeth * (0.7 + 0.6 * Math.sin(Math.PI * u)) * t))) *
          Math.sin(Math.PI * u) ** 0.5,
      );
      return shape(x, i % 2 ? 0.75 : 1);
    },
  );
};

const drill: Generator = (random, seconds) => {
  const top = random.range(230, 380);
  const motor = tone(
    seconds,
    (t, u) => top * Math.min(1, 0.3 + t * 3) * (u > 0.9 ? 1 - (u - 0.9) * 5 : 1) * (1 + 0.02 * Math.sin(50 * t)),
    [0.6, 1, 0.4, 0.8, 0.3, 0.7, 0.3, 0.5, 0.2, 0.3],
  );
  layers(motor, shape(filter(noise(random, seconds), 'band', 3200, 0.8), 0.5));
  return fade(saturate(motor, 1.2), 0.03, 0.08);
};

const steam: Generator = (random, seconds) => {
  const x = filter(noise(random, seconds), 'high', random.range(2500, 4000), 0.9);
  return shape(x, (t, u) => Math.min(1, t * 12) * (1 - u) ** 1.2);
};

const bouncingBall: Generator = (random, seconds) => {
  const f = random.range(170, 320);
  let gap = random.range(0.38, 0.5);
  let gain = 1;
  return repeat(
    seconds,
    () => {
      gap *= 0.78;
      gain *= 0.8;
      return Math.max(0.035, gap / 0.78);
    },
    () =>
      shape(
        layers(
          struck(0.12, [
            [f, 1, 0.09],
            [f * 1.9, 0.5, 0.06],
          ]),
          shape(click(random, 900, 0.7, 0.015), 0.5),
        ),
        gain,
      ),
    14,
  );
};

const sawLike = [1, 0.5, 0.33, 0.25, 0.2, 0.16, 0.14, 0.12, 0.1, 0.09];

const motorcycle: Generator = (random, seconds) => {
  const idle = random.range(24, 34);
  const revs = random.range(2.2, 3.4);
  const bursts = 1 + random.int(2);
  const x = tone(
    seconds,
    (_, u) => idle * (1 + revs * Math.max(0, Math.sin(Math.PI * bursts * u)) ** 0.8) * 2,
    sawLike,
  );
  layers(x, shape(brownNoise(random, seconds), 0.8));
  return fade(filter(saturate(x, 3), 'low', 2600), 0.1, 0.3);
};

const carPassing: Generator = (random, seconds) => {
  const width = random.range(0.14, 0.2);
  const hum = random.range(75, 120);
  const bell = (u: number) => Math.exp(-(((u - 0.5) / width) ** 2));
  const doppler = (u: number) => 1 - 0.14 * Math.tanh((u - 0.5) * 10);
  const x = filter(noise(random, seconds), 'band', (_, u) => 850 * doppler(u) + 500 * bell(u), 0.6);
  layers(
    x,
    shape(
      tone(seconds, (_, u) => hum * doppler(u), sawLike),
      0.25,
    ),
  );
  return shape(x, (_, u) => bell(u));
};

/** Generators by label of events.ts. */
export const HOUSEHOLD: Readonly<Record<string, Generator>> = {
  'knock on a door': knock,
  doorbell,
  'clock ticking': clockTicking,
  'glass clink': glassClink,
  'glass breaking': glassBreaking,
  'keyboard typing': typing,
  'camera shutter': shutter,
  zipper,
  footsteps,
  applause,
  heartbeat,
  'human whistle': humanWhistle,
  'hammer blows': hammer,
  'hand saw': handSaw,
  'electric drill': drill,
  'steam hiss': steam,
  'bouncing ball': bouncingBall,
  'motorcycle engine': motorcycle,
  'car passing by': carPassing,
};
