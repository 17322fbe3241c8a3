/** A run folder as the stages leave it: clips of made-up sounds, captions, a filter, judged dialogues. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWav } from '../../../src/audio/index.js';
import type { Clip, Dialogue, Label, Line } from '../../../src/data/index.js';
import { Random } from '../../../src/random.js';
import { trainBpe } from '../../../src/text/index.js';

export const RATE = 16000;

/** Ids of the clips whose caption is to be exported. */
export const KEPT = ['bells', 'rain', 'talk-1', 'talk-2'];

function tone(seconds: number, rate: number, pitch: number): Float32Array {
  return Float32Array.from({ length: Math.round(seconds * rate) }, (_, i) => 0.3 * Math.sin((i * pitch) / rate));
}

/** A tokenizer that knows bytes alone, but for the two words of thinking, as Qwen3's: lengths can be counted by hand. */
export function byteTokenizer(): object {
  const json = trainBpe(['a'], { vocabSize: 256 });
  const added = ['<think>', '</think>'].map((content, i) => ({
    id: 256 + i,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: false,
  }));
  return { ...json, added_tokens: added };
}

/** @returns folder of the run */
export function writeRun(folder: string): string {
  const sounds = join(folder, 'sounds');
  const run = join(folder, 'my run');
  for (const path of [sounds, run]) mkdirSync(path, { recursive: true });
  const stereo = [tone(2.5, 44100, 900), tone(2.5, 44100, 1400)];
  writeFileSync(join(sounds, 'bells.wav'), encodeWav(stereo, 44100));
  const random = new Random(1);
  writeFileSync(
    join(sounds, 'rain.wav'),
    encodeWav(
      Float32Array.from({ length: 12345 }, () => 0.1 * random.normal()),
      RATE,
    ),
  );
  writeFileSync(join(sounds, 'talk.wav'), encodeWav(tone(40, RATE, 300), RATE));
  writeFileSync(join(sounds, 'click.wav'), encodeWav(tone(0.05, RATE, 300), RATE));
  const clip = (id: string, file: string, part: [number, number] | [] = []): Clip => ({
    id,
    audio: { uri: join(sounds, file), ...(part.length ? { start: part[0], end: part[1] } : {}) },
    seconds: part.length ? part[1] - part[0] : 2.5,
    dataset: 'small',
  });
  const clips = [
    clip('bells', 'bells.wav'),
    clip('rain', 'rain.wav'),
    clip('talk-1', 'talk.wav', [0, 10]),
    clip('talk-2', 'talk.wav', [10.5, 30.25]),
    clip('long', 'talk.wav'),
    clip('click', 'click.wav'),
    clip('gone', 'gone.wav'),
    clip('dull', 'rain.wav', [0, 0.5]),
    clip('cut-off', 'rain.wav', [0, 0.6]),
    clip('silent', 'rain.wav', [0, 0.7]),
  ];
  const label = ({ id, seconds }: Clip): Label => ({
    id,
    caption: `This is \u2028${id}.`,
    duration: seconds,
    usage: { prompt_tokens: 10, completion_tokens: 300, total_tokens: 310 },
    finish_reason: id === 'cut-off' ? 'length' : 'stop',
    model: 'tester',
  });
  const lines = (name: string, list: Line[]): void =>
    writeFileSync(join(run, `${name}.jsonl`), list.map((line) => `${JSON.stringify(line)}\n`).join(''));
  lines(
    'clips',
    clips.map((result) => ({ id: result.id, result })),
  );
  const labels: Line[] = clips.map((c) =>
    c.id === 'silent' ? { id: c.id, error: { kind: 'timeout', message: 'no answer' } } : { id: c.id, result: label(c) },
  );
  // a stage that is not finished has its lines in the order of completion
  lines('label', labels.reverse());
  lines(
    'filter',
    clips.map(({ id }) =>
      id === 'dull' ? { id, aside: { kind: 'tokens_low', message: 'short' } } : { id, result: { id } },
    ),
  );
  writeDialogues(lines, clips);
  return run;
}

function writeDialogues(lines: (name: string, list: Line[]) => void, clips: readonly Clip[]): void {
  const [bells, rain, talk] = clips;
  const generation: Dialogue[] = ['realistic', 'imaginary'].map((level) => ({
    id: `small_bells_${level}`,
    messages: [
      ['system', 'text', 'Think.'],
      ['user', 'text', 'Bells!'],
      ['assistant', 'text', '<think>\nBells.\n</think>\n\nBells ring.'],
      ['assistant', 'audio', bells.audio.uri],
    ],
    audio: bells.audio,
    metadata: { dataset: 'small', detail_level: level },
  }));
  const understanding: Dialogue = {
    id: 'small_rain_simple_qa1',
    messages: [
      ['user', 'audio', rain.audio.uri],
      ['user', 'text', 'Wet?'],
      ['assistant', 'text', 'Rain.\n\n<think>\nRain.\n</think>\n\nYes.'],
    ],
    audio: rain.audio,
    metadata: { dataset: 'small', question_kind: 'simple_qa' },
  };
  const tts: Dialogue = {
    id: 'small_talk_classical',
    messages: [
      ['user', 'text', 'Say so.'],
      ['assistant', 'text', '<think>\nSo.\n</think>\n\nSomebody says so.'],
      ['assistant', 'audio', talk.audio.uri],
    ],
    audio: talk.audio,
    metadata: { dataset: 'small', group: 'classical' },
  };
  const judged = (id: string, score: number): Line => {
    const scores = { training_value: { learning_signal: { score } } };
    const result = { id, part: 'x', scores, overall_score: score, overall_pass: score > 3 };
    return { id, result };
  };
  const results = (list: Dialogue[]): Line[] => list.map((result) => ({ id: result.id, result }));
  lines('generation-dialogues', results(generation));
  lines('generation-judged', [judged('small_bells_realistic', 5), judged('small_bells_imaginary', 1)]);
  lines('understanding-dialogues', results([understanding]));
  lines('understanding-judged', [judged(understanding.id, 4)]);
  lines('tts-dialogues', results([tts]));
}
