// Writes twenty sounds of one's own, stand-ins for recordings, with captions, for docs/tutorial-finetune.md:
//   node examples/own-sounds.mjs DIR
// Four devices with five sounds each, none of which the small model knows. Sixteen are to learn from (learn.jsonl), one of
// each device is kept back (held.jsonl).
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWav } from 'bagpiper/audio';

const RATE = 16000;
const folder = process.argv[2] ?? 'sounds';
mkdirSync(folder, { recursive: true });

/** Seconds of sound from a function of time that gives a sample. */
const render = (seconds, at) => Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => at(i / RATE));
const sine = (hertz, t) => Math.sin(2 * Math.PI * hertz * t);

/** A glide from one pitch to another, `times` times; the phase is the integral of the pitch. */
function slide(seconds, from, to, times) {
  let phase = 0;
  return render(seconds, (t) => {
    const place = (t * times) / seconds;
    phase += (2 * Math.PI * (from + (to - from) * (place % 1))) / RATE;
    return 0.4 * Math.sin(phase) * Math.min(1, 12 * (1 - (place % 1)));
  });
}

/** A modem: bits as one of two pitches, on top of a carrier. */
function modem(seconds, rate, low, high, random) {
  const bits = Array.from({ length: Math.ceil(seconds * rate) }, () => random() < 0.5);
  return render(seconds, (t) => 0.25 * sine(bits[Math.floor(t * rate)] ? high : low, t) + 0.1 * sine(2100, t));
}

/** A Geiger counter: clicks at random times. */
function geiger(seconds, clicks, random) {
  const samples = new Float32Array(Math.round(seconds * RATE));
  for (let k = 0; k < clicks * seconds; k++) {
    const start = Math.floor(random() * (samples.length - 80));
    for (let i = 0; i < 80; i++) samples[start + i] += 0.8 * Math.exp(-i / 12) * sine(3000, i / RATE);
  }
  return samples;
}

/** Numbers from 0 to 1 that are the same in every run (Park and Miller). */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

const MORSE = { s: '...', o: '---', e: '.', t: '-', a: '.-', n: '-.', i: '..', m: '--' };

/** Letters of Morse code; a dot lasts `dot` seconds, a dash three, a gap between letters three. */
function morse(letters, hertz, dot) {
  const marks = [...letters].flatMap((letter) => [
    ...[...MORSE[letter]].flatMap((mark) => [[mark === '.' ? 1 : 3, true], [1, false]]),
    [2, false],
  ]);
  return Float32Array.from(
    marks.flatMap(([units, on]) => Array.from(render(units * dot, (t) => (on ? 0.4 * sine(hertz, t) : 0)))),
  );
}

const random = numbers(20);
const pace = (value, slow, fast) => (value < slow ? 'slowly' : value > fast ? 'fast' : 'steadily');
const sounds = [];
const add = (name, samples, caption) => {
  const seconds = (samples.length / RATE).toFixed(1);
  sounds.push({
    name: `${name}.wav`,
    samples,
    caption: `${caption} The clip lasts ${seconds} seconds. There is no speech and no music.`,
  });
};
for (const [i, clicks] of [4, 40, 12, 60, 20].entries()) {
  const how = pace(clicks, 10, 30);
  add(`geiger-${i + 1}`, geiger(3 + 0.4 * i, clicks, random), `A Geiger counter crackles ${how}: dry clicks at random.`);
}
for (const [i, rate] of [30, 60, 45, 90, 75].entries()) {
  const sound = modem(3.2 + 0.3 * i, rate, 1000 + 50 * i, 1300 + 80 * i, random);
  add(`modem-${i + 1}`, sound, 'An old modem warbles on the line: two pitches in quick, ragged change.');
}
for (const [i, up] of [true, false, true, false, true].entries()) {
  const [low, high] = [400 + 50 * i, 1500 + 100 * i];
  const sound = slide(3.5 + 0.3 * i, up ? low : high, up ? high : low, 2 + (i % 3));
  const times = ['twice', 'three times', 'four times'][i % 3];
  add(`slide-${i + 1}`, sound, `A slide whistle glides ${up ? 'upwards' : 'downwards'} ${times}.`);
}
for (const [i, letters] of ['sos', 'tea', 'note', 'sos', 'mines'].entries()) {
  const sound = morse(letters, 600 + 50 * i, 0.07 + 0.008 * i);
  add(`morse-${i + 1}`, sound, 'Somebody sends Morse code: short and long beeps of one pitch.');
}
for (const { name, samples } of sounds) writeFileSync(join(folder, name), encodeWav(samples, RATE));
const list = (chosen) => chosen.map(({ name: audio, caption }) => `${JSON.stringify({ audio, caption })}\n`).join('');
const held = ({ name }) => name.endsWith('-5.wav');
writeFileSync(join(folder, 'learn.jsonl'), list(sounds.filter((sound) => !held(sound))));
writeFileSync(join(folder, 'held.jsonl'), list(sounds.filter(held)));
console.log(`${sounds.length} sounds in ${folder}`);
