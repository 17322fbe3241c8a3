/** Synthetic signals: bells, horns, tones that are made to be noticed. Every call draws its own pitch and rhythm. */
import { type Generator, repeat } from './animals.js';
import { fade, filter, layers, mixInto, noise, saturate, shape, silence, struck, tone } from './dsp.js';

const SQUARE = [1, 0, 0.33, 0, 0.2, 0, 0.14, 0, 0.11];
const BRASS = [1, 0.9, 0.8, 0.7, 0.55, 0.4, 0.3, 0.2, 0.15, 0.1];
const KEYS = [
  [697, 1209],
  [697, 1336],
  [697, 1477],
  [770, 1209],
  [770, 1336],
  [770, 1477],
  [852, 1209],
  [852, 1336],
  [852, 1477],
  [941, 1336],
] as const;

const telephone: Generator = (random, seconds) => {
  const bell = random.range(1000, 1350);
  const rate = random.range(18, 24);
  const strike = (f: number) =>
    struck(0.25, [
      [f, 1, 0.3],
      [f * 2.1, 0.6, 0.2],
      [f * 3.3, 0.4, 0.15],
    ]);
  const pair = [strike(bell), strike(bell * 1.26)];
  return fade(
    repeat(
      seconds,
      () => 1 / rate,
      (i) => pair[i % 2] as Float32Array,
    ),
    0.005,
    0.15,
  );
};

const dialTones: Generator = (random, seconds) => {
  const on = random.range(0.1, 0.16);
  return repeat(
    seconds,
    () => on + random.range(0.07, 0.12),
    () => {
      const [low, high] = random.pick(KEYS);
      return fade(layers(tone(on, low), tone(on, high)), 0.005, 0.005);
    },
  );
};

const busyTone: Generator = (random, seconds) => {
  const on = random.range(0.3, 0.42);
  return repeat(
    seconds,
    () => on * 2,
    () => fade(layers(tone(on, 480), tone(on, 620)), 0.01, 0.01),
  );
};

const alarmClock: Generator = (random, seconds) => {
  const pitch = random.range(1900, 2300);
  const beep = random.range(0.06, 0.09);
  const group = 4;
  return repeat(
    seconds,
    (i) => (i % group === group - 1 ? 0.42 : beep * 1.8),
    () => fade(tone(beep, pitch, SQUARE), 0.003, 0.003),
  );
};

const siren: Generator = (random, seconds) => {
  const low = random.range(480, 620);
  const high = low * random.range(1.9, 2.4);
  const rate = random.range(0.35, 0.7);
  const twoTone = random.chance(0.4);
  const pitch = (t: number) => {
    const wave = Math.sin(2 * Math.PI * rate * t - 1.2);
    return twoTone
      ? Math.sin(2 * Math.PI * (rate + 0.25) * t) > 0
        ? low * 1.35
        : low
      : low + (high - low) * (0.5 + 0.5 * wave);
  };
  return fade(saturate(tone(seconds, pitch, [1, 0.3, 0.3, 0.1]), 1.5), 0.15, 0.25);
};

const churchBell: Generator = (random, seconds) => {
  const f = random.range(190, 300);
  const partials = [
    [f * 0.5, 0.4, 4],
    [f, 0.8, 3],
    [f * 1.19, 0.7, 2.4],
    [f * 1.5, 0.4, 1.8],
    [f * 2, 1, 2],
    [f * 2.52, 0.4, 1.2],
    [f * 3.01, 0.4, 0.9],
    [f * 4.2, 0.3, 0.6],
    [f * 5.4, 0.2, 0.4],
  ] as const;
  return fade(struck(seconds, partials), 0, 0.15);
};

const bicycleBell: Generator = (random, seconds) => {
  const f = random.range(2300, 2900);
  const strike = struck(0.3, [
    [f, 1, 0.35],
    [f * 1.48, 0.5, 0.3],
    [f * 2.3, 0.3, 0.2],
  ]);
  return repeat(
    seconds,
    () => 1 / 26,
    () => strike,
    Math.round((seconds - 0.25) * 26),
  );
};

const windChime: Generator = (random, seconds) => {
  const base = random.range(1100, 1600);
  const bars = [1, 1.122, 1.26, 1.498, 1.682, 2].map((k) => base * k);
  return fade(
    repeat(
      seconds,
      () => random.range(0.08, 0.35),
      () => {
        const f = random.pick(bars);
        return shape(
          struck(Math.min(seconds, 1), [
            [f, 1, 1.1],
            [f * 2.76, 0.4, 0.5],
          ]),
          random.range(0.4, 1),
        );
      },
    ),
    0,
    0.2,
  );
};

const buzzer: Generator = (random, seconds) => {
  const f = random.range(95, 150);
  return fade(saturate(tone(seconds, f, [1, 0.8, 0.9, 0.7, 0.8, 0.6, 0.6, 0.5, 0.5, 0.4, 0.4, 0.3]), 1.5), 0.01, 0.02);
};

const sonarPing: Generator = (random, seconds) => {
  const f = random.range(850, 1300);
  const ping = struck(seconds, [
    [f, 1, 0.9],
    [f * 1.003, 0.6, 0.7],
  ]);
  const out = mixInto(silence(seconds), ping, 0);
  for (let i = 1; i <= 3; i++) mixInto(out, ping, i * 0.23, 0.4 ** i);
  return fade(out, 0, 0.1);
};

const refereeWhistle: Generator = (random, seconds) => {
  const f = random.range(2500, 3100);
  const trill = random.range(28, 42);
  const x = tone(seconds, (t) => f * (1 + 0.035 * Math.sin(2 * Math.PI * trill * t)), [1, 0.15]);
  shape(x, (t) => 0.65 + 0.35 * Math.sin(2 * Math.PI * trill * t));
  return fade(layers(x, shape(filter(noise(random, seconds), 'band', f, 3), 0.15)), 0.02, 0.04);
};

const carHorn: Generator = (random, seconds) => {
  const f = random.range(350, 440);
  return fade(saturate(layers(tone(seconds, f, BRASS), tone(seconds, f * 1.25, BRASS)), 0.8), 0.015, 0.04);
};

const trainHorn: Generator = (random, seconds) => {
  const f = random.range(250, 320);
  const x = silence(seconds);
  for (const k of [1, 1.19, 1.33, 1.59])
    layers(
      x,
      tone(seconds, (t) => f * k * (1 - 0.04 * Math.exp(-t * 12)), BRASS),
    );
  layers(x, shape(filter(noise(random, seconds), 'band', 1800, 0.7), 0.6));
  return fade(filter(x, 'low', 3000), 0.12, 0.3);
};

/** Generators by label of events.ts. */
export const SIGNALS: Readonly<Record<string, Generator>> = {
  'telephone ring': telephone,
  'dial tones': dialTones,
  'busy tone': busyTone,
  'alarm clock beeping': alarmClock,
  siren,
  'church bell': churchBell,
  'bicycle bell': bicycleBell,
  'wind chime': windChime,
  buzzer,
  'sonar ping': sonarPing,
  'referee whistle': refereeWhistle,
  'car horn': carHorn,
  'train horn': trainHorn,
};
