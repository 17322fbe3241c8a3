/** One door to everything in events.ts: a label in, an instance of the sound out. */
import type { Random } from '../../random.js';
import { BACKGROUNDS, soften } from './ambiences.js';
import { ANIMALS, type Generator } from './animals.js';
import { fade, filter, loudness, mixInto, peakOf, RATE, resample, silence } from './dsp.js';
import { AMBIENCES, type EventKind, eventByLabel } from './events.js';
import { HOUSEHOLD } from './household.js';
import { gameEffect, recording } from './samples.js';
import { SIGNALS } from './signals.js';

const GENERATORS: Readonly<Record<string, Generator>> = { ...ANIMALS, ...HOUSEHOLD, ...SIGNALS };

/** Linear loudness that every rendered part has before its level is applied. */
export const UNIT = 0.1;

/**
 * One instance of a sound event.
 * @param label of EVENTS
 * @param distance far sounds are duller
 * @returns mono 16 kHz samples of loudness {@link UNIT}, without silence at the ends
 */
export async function renderEvent(
  random: Random,
  label: string,
  distance: 'close' | 'middle' | 'far',
): Promise<Float32Array> {
  const kind = eventByLabel(label);
  let x = await raw(random, kind);
  if (distance === 'far') x = filter(x, 'low', 3200, 0.6);
  if (distance === 'middle') x = filter(x, 'low', 6000, 0.6);
  return unit(fade(cut(x), 0.002, 0.02));
}

/**
 * A background of the given length.
 * @param label of AMBIENCES
 * @returns mono 16 kHz samples of loudness {@link UNIT}
 */
export async function renderAmbience(random: Random, label: string, seconds: number): Promise<Float32Array> {
  const kind = AMBIENCES.find((a) => a.label === label);
  if (!kind) throw new Error(`no ambience ${label}`);
  if (kind.source) {
    const loop = await recording(kind.source);
    const out = silence(seconds);
    for (let at = -random.range(0, loop.length / RATE); at < seconds; at += loop.length / RATE) mixInto(out, loop, at);
    return unit(soften(out));
  }
  const make = BACKGROUNDS[label];
  if (!make) throw new Error(`no generator for the ambience ${label}`);
  return unit(soften(make(random, seconds)));
}

async function raw(random: Random, kind: EventKind): Promise<Float32Array> {
  if (kind.kind === 'recorded') {
    const name = random.pick(kind.source as readonly string[]);
    const x = resample((await recording(name)).slice(), random.range(0.9, 1.12));
    return x.length > kind.seconds[1] * RATE ? fade(x.slice(0, Math.round(kind.seconds[1] * RATE)), 0, 0.1) : x;
  }
  if (typeof kind.source === 'string') return gameEffect(random, kind.source, kind.seconds);
  const make = GENERATORS[kind.label];
  if (!make) throw new Error(`no generator for the event ${kind.label}`);
  return make(random, random.range(kind.seconds[0], kind.seconds[1]));
}

/** Drops what is 40 dB under the peak at both ends. */
function cut(x: Float32Array): Float32Array {
  const floor = peakOf(x) * 0.01;
  let from = 0;
  let to = x.length;
  while (from < to - 160 && Math.abs(x[from] as number) < floor) from++;
  while (to > from + 160 && Math.abs(x[to - 1] as number) < floor) to--;
  return x.slice(from, to);
}

function unit(x: Float32Array): Float32Array {
  const gain = UNIT / Math.max(1e-9, loudness(x));
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) * gain;
  return x;
}
