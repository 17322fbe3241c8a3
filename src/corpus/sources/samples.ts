/** Sounds that come from packages: CC0 recordings (supersonic-scsynth-samples) and jsfxr's game effects. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Random } from '../../random.js';
import { fade, RATE, resample } from './dsp.js';
import { importTool, missingTool } from './tools.js';

interface FlacDecoder {
  ready: Promise<void>;
  decodeFile(bytes: Uint8Array): Promise<{ channelData: Float32Array[]; sampleRate: number }>;
  free(): void;
}

const recordings = new Map<string, Promise<Float32Array>>();

/**
 * A recording, mono at 16 kHz.
 * @param name file of the package without folder and ending, e.g. "misc_crow"
 * @throws BagpiperError when the package is not installed
 */
export function recording(name: string): Promise<Float32Array> {
  let found = recordings.get(name);
  if (!found) {
    found = readRecording(name);
    recordings.set(name, found);
  }
  return found;
}

async function readRecording(name: string): Promise<Float32Array> {
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve(`supersonic-scsynth-samples/samples/${name}.flac`);
  } catch (error) {
    throw missingTool('supersonic-scsynth-samples', error);
  }
  const { FLACDecoder } = await importTool<{ FLACDecoder: new () => FlacDecoder }>('@wasm-audio-decoders/flac');
  const decoder = new FLACDecoder();
  await decoder.ready;
  const { channelData, sampleRate } = await decoder.decodeFile(readFileSync(path));
  decoder.free();
  const mono = new Float32Array(channelData[0]?.length ?? 0);
  for (const channel of channelData) {
    for (let i = 0; i < mono.length; i++) mono[i] = (mono[i] as number) + (channel[i] as number) / channelData.length;
  }
  return resample(mono, sampleRate / RATE);
}

type Synth = new (params: unknown) => { getRawBuffer(): { normalized: Float32Array | number[] } };

interface Jsfxr {
  Params: new () => Record<string, unknown>;
  SoundEffect: Synth;
}

/**
 * One effect of a jsfxr preset, mono at 16 kHz. The preset's own dice make clicks and near silence too; they are thrown
 * again until the effect lasts as long as the catalogue says.
 * @param preset e.g. "pickupCoin"
 * @param range shortest and longest duration in seconds; the end of a longer one is faded out
 * @throws BagpiperError when the package is not installed
 */
export async function gameEffect(
  random: Random,
  preset: string,
  [least, most]: readonly [number, number],
): Promise<Float32Array> {
  const { jsfxr } = await importTool<{ jsfxr: Jsfxr }>('jsfxr');
  let best: Float32Array = new Float32Array(1);
  for (let attempt = 0; attempt < 12 && best.length < least * RATE; attempt++) {
    const x = withSeededDice(random, () => playEffect(jsfxr, preset));
    if (x.length > best.length) best = x;
  }
  return best.length > most * RATE ? fade(best.slice(0, Math.round(most * RATE)), 0, 0.15) : best;
}

function playEffect({ Params, SoundEffect }: Jsfxr, preset: string): Float32Array {
  const params = new Params();
  (params[preset] as () => void).call(params);
  params.sample_rate = 44100;
  params.sample_size = 16;
  const x = resample(Float32Array.from(new SoundEffect(params).getRawBuffer().normalized), 44100 / RATE);
  return audiblePart(x);
}

function audiblePart(x: Float32Array): Float32Array {
  let to = x.length;
  while (to > 1 && Math.abs(x[to - 1] as number) < 0.01) to--;
  return x.slice(0, to);
}

/** jsfxr draws from Math.random; it is lent our seeded stream for the length of a synchronous call. */
function withSeededDice<T>(random: Random, call: () => T): T {
  const global = Math.random;
  Math.random = () => random.next();
  try {
    return call();
  } finally {
    Math.random = global;
  }
}
