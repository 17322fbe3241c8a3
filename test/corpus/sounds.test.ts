/** Whether the audio holds what the scene says: energy where events are, pitches and beats by closed form. */
import { describe, expect, it } from 'vitest';
import { realFft } from '../../src/audio/index.js';
import { composeScene } from '../../src/corpus/compose.js';
import type { MusicPart, Scene, Speaker } from '../../src/corpus/scene.js';
import { loudness, RATE } from '../../src/corpus/sources/dsp.js';
import { EVENTS } from '../../src/corpus/sources/events.js';
import { INSTRUMENTS } from '../../src/corpus/sources/instruments.js';
import { composePiece, MUSIC_KEYS } from '../../src/corpus/sources/music.js';
import { renderAmbience, renderEvent } from '../../src/corpus/sources/render.js';
import { speak } from '../../src/corpus/sources/speech.js';
import { playPiece } from '../../src/corpus/sources/synth.js';
import { Random } from '../../src/random.js';

const EMPTY: Scene = {
  id: 'by-hand',
  seed: 'by-hand',
  split: 'test',
  seconds: 6,
  speakers: [],
  speech: [],
  music: null,
  events: [],
  ambience: null,
  room: { kind: 'dry', rt60: 0 },
  quality: { band: 'full', noise: 'none' },
};

const energy = (x: Float32Array, from: number, to: number): number =>
  x.slice(Math.round(from * RATE), Math.round(to * RATE)).reduce((sum, v) => sum + v * v, 0);

/** Magnitudes of a Hann-windowed transform of the whole signal, padded, and the width of a bin. */
function spectrum(x: Float32Array): { power: Float64Array; hertz: number } {
  const size = 2 ** Math.ceil(Math.log2(x.length * 2));
  const fft = realFft(size);
  const [re, im, buffer] = [new Float64Array(size / 2 + 1), new Float64Array(size / 2 + 1), new Float64Array(size)];
  x.forEach((v, i) => {
    buffer[i] = v * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / x.length));
  });
  fft.forward(buffer, re, im);
  return { power: re.map((v, i) => v * v + im[i]! ** 2), hertz: RATE / size };
}

/** The frequency between low and high where the signal is strongest. */
function strongest(x: Float32Array, low: number, high: number): number {
  const { power, hertz } = spectrum(x);
  let best = Math.ceil(low / hertz);
  for (let k = best; k < high / hertz; k++) if (power[k]! > power[best]!) best = k;
  return best * hertz;
}

describe('events', () => {
  it('sound at their times, and a dry clip is silent elsewhere', async () => {
    const random = new Random('places');
    const stems = [];
    const events: Scene['events'] = [];
    for (const [label, start] of [
      ['dog bark', 0.5],
      ['glass clink', 1.6],
      ['dog bark', 4],
    ] as const) {
      const stem = await renderEvent(random, label, 'close');
      stems.push(stem);
      events.push({
        label,
        start,
        end: start + stem.length / RATE,
        level: label === 'dog bark' ? 0 : -6,
        distance: 'close',
      });
    }
    const x = composeScene({ ...EMPTY, events }, { speech: [], music: null, events: stems, ambience: null });
    const whole = energy(x, 0, EMPTY.seconds);
    const inside = events.map(({ start, end }) => energy(x, start, end));
    for (const e of inside) expect(e).toBeGreaterThan(0.02 * whole);
    expect(inside.reduce((a, b) => a + b, 0)).toBeGreaterThan(0.9999 * whole);
    expect(energy(x, events[1]!.end + 0.01, 3.99)).toBe(0);
    // the level says 6 dB less loud
    const [bark, clink] = [x.slice(8000, 8000 + stems[0]!.length), x.slice(25600, 25600 + stems[1]!.length)];
    expect(20 * Math.log10(loudness(clink) / loudness(bark))).toBeCloseTo(-6, 1);
  });

  it('of every kind are finite, not silent, and last as the catalogue says', async () => {
    const random = new Random('catalogue');
    for (const kind of EVENTS) {
      const x = await renderEvent(random, kind.label, random.pick(['close', 'middle', 'far'] as const));
      expect(x.every(Number.isFinite), kind.label).toBe(true);
      expect(loudness(x), kind.label).toBeCloseTo(0.1, 3);
      expect(x.length / RATE, kind.label).toBeGreaterThan(0.05);
      expect(x.length / RATE, kind.label).toBeLessThan(kind.seconds[1] * 1.15 + 0.1);
    }
  });

  it('differ from one instance to the next unless they are recordings', async () => {
    const random = new Random('instances');
    const [a, b] = [await renderEvent(random, 'owl hoot', 'close'), await renderEvent(random, 'owl hoot', 'close')];
    expect(a).not.toEqual(b);
  });

  it('that are defined by frequencies have them: busy tone 480 and 620 Hz, dial tones a DTMF pair', async () => {
    const busy = await renderEvent(new Random('busy'), 'busy tone', 'close');
    expect(strongest(busy, 400, 550)).toBeCloseTo(480, -0.7);
    expect(strongest(busy, 550, 700)).toBeCloseTo(620, -0.7);
    const dial = (await renderEvent(new Random('dial'), 'dial tones', 'close')).slice(0, 0.1 * RATE);
    const near = (f: number, all: number[]) => Math.min(...all.map((g) => Math.abs(f - g)));
    expect(near(strongest(dial, 600, 1050), [697, 770, 852, 941])).toBeLessThan(6);
    expect(near(strongest(dial, 1100, 1600), [1209, 1336, 1477])).toBeLessThan(6);
  });

  it('are duller from far away', async () => {
    const share = async (distance: 'close' | 'far') => {
      const { power, hertz } = spectrum(await renderEvent(new Random('steam'), 'steam hiss', distance));
      const high = power.slice(Math.round(5000 / hertz)).reduce((a, b) => a + b, 0);
      return high / power.reduce((a, b) => a + b, 0);
    };
    expect(await share('far')).toBeLessThan(0.3 * (await share('close')));
  });
});

describe('ambience, room and quality', () => {
  it('fills the clip; the telephone band and the hall change it as they must', async () => {
    const rain = await renderAmbience(new Random('rain'), 'rain', 4);
    for (let t = 0.1; t < 3.9; t += 0.2) expect(energy(rain, t, t + 0.1)).toBeGreaterThan(0);
    const scene: Scene = { ...EMPTY, seconds: 4, ambience: { label: 'rain', level: 0 } };
    const stems = { speech: [], music: null, events: [], ambience: rain };
    const narrow = composeScene({ ...scene, quality: { band: 'narrow', noise: 'none' } }, stems);
    const { power, hertz } = spectrum(narrow);
    const at = (from: number, to: number) =>
      power.slice(Math.round(from / hertz), Math.round(to / hertz)).reduce((a, b) => a + b, 0) / (to - from);
    expect(at(4500, 8000)).toBeLessThan(0.01 * at(1000, 3000));

    const clink = await renderEvent(new Random('clink'), 'glass clink', 'close');
    const event = {
      label: 'glass clink',
      start: 0.5,
      end: 0.5 + clink.length / RATE,
      level: 0,
      distance: 'close' as const,
    };
    const hall: Scene = { ...EMPTY, events: [event], room: { kind: 'hall', rt60: 1.6 } };
    const x = composeScene(hall, { speech: [], music: null, events: [clink], ambience: null });
    const tail = (t: number) => energy(x, event.end + t, event.end + t + 0.2);
    expect(tail(0.1)).toBeGreaterThan(0);
    // 60 dB in 1.6 s is 30 dB in 0.8 s; the highs of the tail die sooner
    const fall = 10 * Math.log10(tail(0.1) / tail(0.9));
    expect(fall).toBeGreaterThan(24);
    expect(fall).toBeLessThan(50);
  });
});

const PART: MusicPart = {
  instruments: ['piano'],
  drums: false,
  beatsPerMinute: 120,
  tempo: 'medium',
  key: 'D',
  mode: 'minor',
  mood: 'sad',
  start: 0,
  end: 6,
  role: 'foreground',
  level: 0,
};
const STEPS = { major: [0, 2, 4, 5, 7, 9, 11], minor: [0, 2, 3, 5, 7, 8, 10] };

describe('music', () => {
  it('stays in its key and mode, within the range of its instrument, and lasts', () => {
    const random = new Random('keys');
    for (const key of MUSIC_KEYS) {
      for (const mode of ['major', 'minor'] as const) {
        const lead = random.pick(INSTRUMENTS);
        const { notes, beatsPerMinute } = composePiece(random, { ...PART, key, mode, instruments: [lead.id] });
        const tonic = MUSIC_KEYS.indexOf(key);
        for (const note of notes) {
          expect(STEPS[mode]).toContain((note.pitch - tonic + 120) % 12);
          if (note.channel !== 0) continue;
          expect(note.pitch).toBeGreaterThanOrEqual(lead.low);
          expect(note.pitch).toBeLessThanOrEqual(lead.high);
        }
        const end = Math.max(...notes.map((n) => n.start + n.length));
        expect((end * 60) / beatsPerMinute).toBeGreaterThan(5);
      }
    }
  });

  it('is played at its pitch and its beat', async () => {
    // tuning: 440 Hz for note 69, equal temperament
    const note = { channel: 0, pitch: 67, start: 0, length: 1.8, velocity: 90 };
    const flute = await playPiece({ notes: [note], programs: [73], beatsPerMinute: 60 }, 2);
    const hertz = 440 * 2 ** ((67 - 69) / 12);
    expect(Math.abs(1200 * Math.log2(strongest(flute, 0.75 * hertz, 1.4 * hertz) / hertz))).toBeLessThan(15);

    const notes = Array.from({ length: 8 }, (_, i) => ({
      channel: 0,
      pitch: 76,
      start: i,
      length: 0.2,
      velocity: 100,
    }));
    const x = await playPiece({ notes, programs: [13], beatsPerMinute: 120 }, 4);
    const levels = Array.from({ length: 400 }, (_, i) => energy(x, i / 100, (i + 1) / 100));
    const correlation = (lag: number) => levels.slice(lag).reduce((sum, v, i) => sum + v * levels[i]!, 0);
    const lags = Array.from({ length: 61 }, (_, i) => i + 20);
    const best = lags.reduce((a, b) => (correlation(b) > correlation(a) ? b : a));
    // 120 beats a minute: one every 50 hundredths of a second
    expect(Math.abs(best - 50)).toBeLessThanOrEqual(1);
  });
});

describe('voices', () => {
  const adam: Speaker = {
    voice: 'russell',
    gender: 'man',
    age: 'adult',
    accent: 'American',
    pace: 'normal',
    mood: 'neutral',
  };
  const text = 'The brown dog runs home.';
  /** Pitch by autocorrelation over the loudest tenth of a second. */
  const pitch = (x: Float32Array): number => {
    const starts = Array.from({ length: Math.floor(x.length / 800) - 2 }, (_, i) => i * 800);
    const from = starts.reduce((a, b) =>
      energy(x.slice(b, b + 1600), 0, 1) > energy(x.slice(a, a + 1600), 0, 1) ? b : a,
    );
    const y = x.slice(from, from + 1600);
    const r = (lag: number) => y.slice(lag).reduce((sum, v, i) => sum + v * y[i]!, 0) / (y.length - lag);
    const lags = Array.from({ length: 180 }, (_, i) => i + 40);
    return RATE / lags.reduce((a, b) => (r(b) > r(a) * 1.02 ? b : a));
  };

  it('speak longer when slow than when fast, and the same again', async () => {
    const slow = await speak({ ...adam, pace: 'slow' }, text);
    const fast = await speak({ ...adam, pace: 'fast' }, text);
    expect(slow.samples.length / fast.samples.length).toBeGreaterThan(1.4);
    expect(await speak({ ...adam, pace: 'fast' }, text)).toEqual(fast);
  });

  it('are low for an old man and high for a girl', async () => {
    const walter = await speak({ ...adam, voice: 'walter', age: 'elderly' }, text);
    const molly = await speak({ ...adam, voice: 'molly', gender: 'woman', age: 'child' }, text);
    expect(pitch(walter.samples)).toBeLessThan(130);
    expect(pitch(molly.samples)).toBeGreaterThan(180);
  });

  it.each(['sally', 'emma'])('end a word where another next word begins to make a difference (%s)', async (voice) => {
    const [one, other] = await Promise.all(
      ['green', 'sunny'].map((word) => speak({ ...adam, voice }, `My doctor can open the ${word} garden.`)),
    );
    const gain = energy(one.samples, 0, 0.5) / energy(other.samples, 0, 0.5);
    const differs = (from: number): boolean => {
      const [a, b] = [one, other].map(({ samples }) => samples.slice(from, from + 160));
      const apart = a.reduce((sum, v, i) => sum + (v - Math.sqrt(gain) * b[i]!) ** 2, 0);
      return apart > 0.05 * a.reduce((sum, v) => sum + v ** 2, 1e-4);
    };
    let from = 400;
    while (!differs(from)) from += 80;
    // The end of a word is said with the next one in mind, by a phone or so.
    expect(Math.abs(from / RATE - one.wordEnds[4])).toBeLessThan(0.1);
    expect(one.wordEnds.length).toBe(7);
    expect(one.wordEnds.every((end, k) => end > (one.wordEnds[k - 1] ?? 0))).toBe(true);
    expect(one.samples.length / RATE - one.wordEnds[6]).toBeLessThan(0.1);
  });
});
