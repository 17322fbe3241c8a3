/** Synthetic backgrounds that fill a whole clip. */
import type { Random } from '../../random.js';
import type { Generator } from './animals.js';
import {
  brownNoise,
  decay,
  fade,
  filter,
  layers,
  mixInto,
  noise,
  normalise,
  shape,
  silence,
  struck,
  tone,
} from './dsp.js';

/** A slow random curve between 0 and 1 with about `rate` turns a second. */
function drift(random: Random, seconds: number, rate: number): (t: number) => number {
  const points = Array.from({ length: Math.ceil(seconds * rate) + 3 }, () => random.next());
  return (t) => {
    const x = t * rate;
    const i = Math.floor(x);
    const k = 0.5 - 0.5 * Math.cos(Math.PI * (x - i));
    return (points[i] as number) * (1 - k) + (points[i + 1] as number) * k;
  };
}

const rain: Generator = (random, seconds) => {
  const x = shape(filter(noise(random, seconds), 'high', random.range(900, 1800), 0.5), 0.35);
  const drops = Math.round(seconds * random.range(70, 160));
  for (let i = 0; i < drops; i++) {
    const f = random.range(1800, 6000);
    mixInto(x, struck(0.02, [[f, 1, random.range(0.008, 0.02)]]), random.range(0, seconds), random.range(0.2, 1.2));
  }
  return x;
};

const wind: Generator = (random, seconds) => {
  const gust = drift(random, seconds, 0.8);
  const x = filter(noise(random, seconds), 'band', (t) => 280 + 650 * gust(t), 2.4);
  layers(x, shape(brownNoise(random, seconds), 0.25));
  return shape(x, (t) => 0.3 + 0.9 * gust(t));
};

const waves: Generator = (random, seconds) => {
  const period = random.range(2.6, 4);
  const phase = random.range(0, 1);
  const swell = (t: number) => {
    const u = (t / period + phase) % 1;
    return 0.12 + (u < 0.35 ? (u / 0.35) ** 2 : (1 - (u - 0.35) / 0.65) ** 1.6);
  };
  const x = filter(noise(random, seconds), 'low', (t) => 500 + 2600 * swell(t), 0.5);
  return shape(x, swell);
};

const stream: Generator = (random, seconds) => {
  const x = shape(filter(noise(random, seconds), 'band', 1100, 0.4), 0.2);
  const count = Math.round(seconds * 70);
  for (let i = 0; i < count; i++) {
    const f = random.range(450, 1700);
    const length = random.range(0.025, 0.07);
    const one = shape(
      tone(length, (_, u) => f * (1 + 0.35 * u)),
      (_, u) => Math.sin(Math.PI * u),
    );
    mixInto(x, one, random.range(0, seconds), random.range(0.1, 0.6));
  }
  return x;
};

const fire: Generator = (random, seconds) => {
  const flame = drift(random, seconds, 3);
  const x = shape(filter(brownNoise(random, seconds), 'low', 500), (t) => 0.25 + 0.3 * flame(t));
  const pops = Math.round(seconds * random.range(14, 26));
  for (let i = 0; i < pops; i++) {
    const one = decay(
      filter(noise(random, 0.03), 'band', random.range(1000, 4500), 1),
      random.range(0.005, 0.025),
      0.0005,
    );
    mixInto(x, normalise(one), random.range(0, seconds), random.next() ** 2.5 * 1.6 + 0.1);
  }
  return x;
};

const crickets: Generator = (random, seconds) => {
  const out = silence(seconds);
  const count = 2 + random.int(2);
  for (let c = 0; c < count; c++) {
    const pitch = random.range(3900, 5000);
    const rate = random.range(1.6, 2.6);
    const pulses = 3 + random.int(2);
    const gain = c === 0 ? 1 : random.range(0.3, 0.7);
    const pulse = shape(tone(0.02, pitch), (_, u) => Math.sin(Math.PI * u));
    for (let t = random.range(0, 1 / rate); t < seconds; t += 1 / rate) {
      for (let p = 0; p < pulses; p++) mixInto(out, pulse, t + p * 0.034, gain);
    }
  }
  return layers(out, shape(filter(noise(random, seconds), 'band', 4400, 2), 0.02));
};

const engine: Generator = (random, seconds) => {
  const f = random.range(38, 60);
  const wobble = drift(random, seconds, 2);
  const x = tone(seconds, (t) => f * (1 + 0.03 * wobble(t)), [0.5, 1, 0.5, 0.8, 0.4, 0.5, 0.3, 0.3, 0.2, 0.2]);
  return filter(layers(x, shape(brownNoise(random, seconds), 0.9)), 'low', 900);
};

const train: Generator = (random, seconds) => {
  const x = filter(brownNoise(random, seconds), 'low', 700);
  const period = random.range(0.75, 1.05);
  const clack = () =>
    layers(
      struck(0.09, [
        [210, 1, 0.08],
        [520, 0.5, 0.05],
      ]),
      decay(filter(noise(random, 0.06), 'band', 1800, 0.7), 0.04),
    );
  for (let t = random.range(0, period); t < seconds; t += period) {
    for (const [at, gain] of [
      [0, 1],
      [0.13, 0.8],
      [0.32, 0.9],
      [0.45, 0.7],
    ] as const) {
      mixInto(x, normalise(clack()), t + at, gain * 1.3);
    }
  }
  return x;
};

const helicopter: Generator = (random, seconds) => {
  const rate = random.range(9.5, 13);
  const blade = shape(filter(layers(brownNoise(random, 0.07), shape(noise(random, 0.07), 0.3)), 'low', 1100), (_, u) =>
    Math.sin(Math.PI * u ** 0.6),
  );
  const x = shape(filter(noise(random, seconds), 'band', 900, 0.5), 0.06);
  for (let t = 0, i = 0; t < seconds; t += 1 / rate, i++) mixInto(x, blade, t, i % 2 ? 0.85 : 1);
  return layers(x, shape(tone(seconds, rate * 23, [1, 0.4, 0.3]), 0.05));
};

const fan: Generator = (random, seconds) => {
  const f = random.range(110, 130);
  const x = shape(filter(noise(random, seconds), 'low', random.range(700, 1200), 0.5), 0.5);
  layers(x, shape(tone(seconds, f, [1, 0.6, 0.1, 0.3]), 0.35));
  return shape(x, (t) => 1 + 0.15 * Math.sin(2 * Math.PI * 4.2 * t));
};

/** Generators by label of events.ts. */
export const BACKGROUNDS: Readonly<Record<string, Generator>> = {
  rain,
  wind,
  'ocean waves': waves,
  'a running stream': stream,
  'a crackling fire': fire,
  crickets,
  'engine hum': engine,
  'a train on rails': train,
  'a helicopter': helicopter,
  'fan hum': fan,
};

/** Fades a background in and out a little, so that a clip does not start with a click. */
export function soften(x: Float32Array): Float32Array {
  return fade(x, 0.03, 0.03);
}
