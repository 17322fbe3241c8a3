/** A run's folder as training leaves it, made by hand. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWav } from '../../../src/audio/index.js';
import { writeDescription } from '../../../src/train/description.js';
import { auditionName, type Heard, writeHeard } from '../../../src/train/heard.js';
import type { LogLine } from '../../../src/train/index.js';

/** Losses that fall from 8 to 1 by halves; held-out losses every fifth step, a tenth above. */
export function logLines(steps: number, from = 1): LogLine[] {
  return Array.from({ length: steps - from + 1 }, (_, i) => {
    const step = from + i;
    const loss = 8 * 0.5 ** (3 * ((step - 1) / Math.max(1, steps - 1)));
    return { step, loss, rate: 0.001, norm: 1, tokens: 500, ...(step % 5 === 0 && { held_loss: 1.1 * loss }) };
  });
}

export const jsonl = (lines: readonly object[]): string => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

export function writeLog(run: string, stage: string, lines: readonly LogLine[]): void {
  mkdirSync(join(run, stage), { recursive: true });
  writeFileSync(join(run, stage, 'log.jsonl'), jsonl(lines));
}

export function addAudition(run: string, stage: string, step: number, heard: readonly Heard[]): void {
  const folder = join(run, 'samples', auditionName(stage, step));
  mkdirSync(folder, { recursive: true });
  writeHeard(folder, heard);
}

/** A second of a tone. */
export const tone = (): Uint8Array =>
  encodeWav(
    Float32Array.from({ length: 16_000 }, (_, i) => 0.3 * Math.sin(i / 5)),
    16_000,
  );

/** Two stages, the first complete, the second at step 10 of 40; a caption and a rendering were heard. */
export function madeRun(run: string, caption = 'A low tone hums.'): void {
  mkdirSync(run, { recursive: true });
  writeDescription(run, {
    stages: [
      { name: 'warm', steps: 20, settings: { rate: 0.001, data: ['audio_to_text:labels.jsonl'] } },
      { name: 'learn', steps: 40, settings: { rate: 0.0003 } },
      { name: 'last', steps: 5, settings: {} },
    ],
    settings: { start: 'nano', seed: 'seven' },
  });
  writeLog(run, 'warm', logLines(20));
  writeLog(run, 'learn', logLines(40).slice(0, 10));
  mkdirSync(join(run, 'samples', 'sounds'), { recursive: true });
  writeFileSync(join(run, 'samples', 'sounds', 'low-1.wav'), tone());
  addAudition(run, 'warm', 0, [{ title: 'describe low.wav', text: 'Silence.', sound: 'sounds/low-1.wav' }]);
  addAudition(run, 'learn', 10, [
    { title: 'describe low.wav', text: caption, sound: 'sounds/low-1.wav' },
    { title: 'render: A tone.', text: 'render-1.wav', before: 'A tone rings.', sound: 'learn-000010/render-1.wav' },
    { title: 'describe gone.wav', text: '', error: 'gone.wav cannot be read' },
  ]);
  writeFileSync(join(run, 'samples', 'learn-000010', 'render-1.wav'), tone());
}
