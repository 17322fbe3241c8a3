/** eSpeak NG (GPL-3.0) in WebAssembly. Optional tool of the corpus builder, never part of the library's run time. */
import { RATE, resample } from './dsp.js';
import { importTool } from './tools.js';
import type { Utterance } from './utterance.js';

interface Worker {
  set_voice(name: string): number;
  set_rate(wordsPerMinute: number): number;
  set_pitch(pitch: number): number;
  set_range(range: number): number;
  synthesize(text: string, onAudio: (audio: ArrayBuffer | null, events: readonly EspeakEvent[]) => void): void;
}

/** Of what happens while it speaks, only when words begin is looked at. */
interface EspeakEvent {
  type: string;
  /** first character of the word, counting from 1 */
  text_position: number;
  /** milliseconds */
  audio_position: number;
}

interface Module {
  HEAPU8: Uint8Array;
  eSpeakNGWorker: new () => Promise<Worker> | Worker;
}

/** How an utterance is spoken: pitch and range are 0 to 100, 50 being the voice's own. */
export interface EspeakStyle {
  wordsPerMinute: number;
  pitch: number;
  range: number;
}

/** A loaded eSpeak NG. The same call always gives the same samples. */
export interface Espeak {
  say(voice: string, text: string, style: EspeakStyle): Utterance;
}

/** samples a second that the engine makes */
const ENGINE_RATE = 22_050;

let loaded: Promise<Espeak> | undefined;

/** @throws BagpiperError when the package is not installed */
export function loadEspeak(): Promise<Espeak> {
  loaded ??= load();
  return loaded;
}

async function load(): Promise<Espeak> {
  const { default: init } = await importTool<{ default: () => Promise<Module> }>('@echogarden/espeak-ng-emscripten');
  const { module, worker } = await withStoppedClock(async () => {
    const made = await init();
    return { module: made, worker: await new made.eSpeakNGWorker() };
  });
  // The engine carries state from one utterance to the next. Its whole state is its memory: put that back before each
  // utterance and the samples depend on nothing but the call.
  const fresh = module.HEAPU8.slice();
  return {
    say(voice, text, style) {
      module.HEAPU8.set(fresh);
      module.HEAPU8.fill(0, fresh.length);
      worker.set_voice(voice);
      worker.set_rate(Math.round(style.wordsPerMinute));
      worker.set_pitch(Math.round(style.pitch));
      worker.set_range(Math.round(style.range));
      const parts: Int16Array[] = [];
      const events: EspeakEvent[] = [];
      worker.synthesize(text, (audio, some) => {
        if (audio && audio.byteLength > 0) parts.push(new Int16Array(audio.slice(0)));
        events.push(...some);
      });
      const pcm = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
      let at = 0;
      for (const part of parts) for (const sample of part) pcm[at++] = sample / 32768;
      const samples = resample(pcm, ENGINE_RATE / RATE);
      return { samples, wordEnds: endsOfWords(text, events, samples.length / RATE) };
    },
  };
}

/** A word ends where the next one begins; several that are announced as one ("of the") share its time by their lengths. */
function endsOfWords(text: string, events: readonly EspeakEvent[], seconds: number): number[] {
  const begins = events.filter(({ type }) => type === 'word');
  const marks = [{ character: 0, time: 0 }, ...begins.map(begun), { character: text.length, time: seconds }];
  const at = (character: number): number => {
    const later = Math.max(
      1,
      marks.findIndex((mark) => mark.character >= character),
    );
    const [from, to] = [marks[later - 1], marks[later]];
    const part = (character - from.character) / Math.max(1, to.character - from.character);
    return from.time + part * (to.time - from.time);
  };
  const ends: number[] = [];
  let character = 0;
  for (const word of text.split(' ')) {
    character += word.length + 1;
    ends.push(at(Math.min(character, text.length)));
  }
  return ends;
}

const begun = ({ text_position, audio_position }: EspeakEvent) => ({
  character: text_position - 1,
  time: audio_position / 1000,
});

/** eSpeak NG seeds its noise from the clock when it starts; with the clock stopped it starts alike every time. */
async function withStoppedClock<T>(start: () => Promise<T>): Promise<T> {
  const now = Date.now;
  Date.now = () => 0;
  try {
    return await start();
  } finally {
    Date.now = now;
  }
}
