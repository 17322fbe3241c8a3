/** A run as all stages leave it, with texts that would break a page that trusts them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeWav } from '../../../src/audio/index.js';
import { type Counts, noUsage, Run } from '../../../src/data/run/index.js';
import { lineText } from '../../../src/data/run/lines.js';
import type { Clip, Dialogue, Label, Line } from '../../../src/data/types.js';
import { Random } from '../../../src/random.js';

export const HOSTILE = [
  '<script>alert(1)</script>',
  '<img src=x onerror="alert(2)">',
  `"'><svg onload=alert(3)>`,
  '</style></main><iframe src="https://example.org/"></iframe>',
  'A line that is \u202etupsni-reverof\u202c, a bell \u0007, half a pair \ud83d, and &amp; as it is.',
  `A ${'very'.repeat(400)} long word.`,
];

const DIMENSIONS = ['accuracy', 'clarity', 'naturalness'];

export interface MadeRun {
  folder: string;
  clips: Clip[];
}

/** @param count of clips; the first have sounds and hostile texts */
export async function madeRun(parent: string, count: number): Promise<MadeRun> {
  const random = new Random('report');
  const sounds = join(parent, 'sounds');
  mkdirSync(sounds, { recursive: true });
  const folder = join(parent, 'street [1] <b>&');
  const clips = Array.from({ length: count }, (_, i) => clipOf(sounds, i, random));
  const run = await Run.open(folder, { create: true });
  try {
    await write(
      run,
      'clips',
      clips.map((result) => ({ id: result.id, result })),
    );
    await write(
      run,
      'label',
      clips.map((clip, i) => labelLine(clip, i, random)),
      { input: 1, output: 4 },
    );
    await write(run, 'filter', clips.filter((_, i) => i % 9 !== 8).map(filterLine));
    const dialogues = clips
      .filter((_, i) => i % 9 !== 8 && i % 7 !== 6)
      .slice(0, Math.ceil(count / 2))
      .map(dialogueOf);
    await write(
      run,
      'generation-dialogues',
      dialogues.map((result) => ({ id: result.id, result })),
    );
    await write(
      run,
      'generation-judged',
      dialogues.map(({ id, metadata }, i) => judgedLine(id, String(metadata.detail_level), i)),
    );
  } finally {
    await run.close();
  }
  return { folder, clips };
}

function clipOf(folder: string, i: number, random: Random): Clip {
  const seconds = Math.round(10 * Math.min(30, 1 + Math.exp(1 + random.normal()))) / 10;
  const uri = join(folder, `${i % 20}.wav`);
  if (i < 20) {
    const pitch = 200 * 2 ** (i / 5);
    const tone = Float32Array.from({ length: Math.round(seconds * 16000) }, (_, n) => {
      const t = n / 16000;
      return (
        0.3 * Math.sin(2 * Math.PI * pitch * t * (1 + 0.05 * t)) * Math.exp(-2 * (t % 0.7)) + 0.01 * random.normal()
      );
    });
    writeFileSync(uri, encodeWav(tone, 16000));
  }
  const kinds = ['speech', 'music', 'sound'] as const;
  const id = `clip-${String(i).padStart(5, '0')}`;
  return {
    id,
    audio: { uri },
    seconds,
    dataset: ['streets', 'halls', HOSTILE[1]][i % 3],
    kind: kinds[i % 3],
    transcript: HOSTILE[0],
  };
}

function labelLine(clip: Clip, i: number, random: Random): Line<Label> {
  const { id, seconds } = clip;
  if (i % 9 === 8) return { id, error: { kind: 'timeout', message: `No answer for ${HOSTILE[0]}` } };
  const words = [
    'A bell rings in a large hall,',
    'far away a dog barks,',
    'two people talk quietly,',
    'rain falls on leaves.',
  ];
  const text = Array.from({ length: 10 + random.int(50) }, () => random.pick(words)).join(' ');
  const completion = Math.round(text.length / 4.5);
  const usage = { prompt_tokens: 400, completion_tokens: completion, total_tokens: 400 + completion };
  const caption = `${HOSTILE[i] ?? ''} ${text}`;
  const result = {
    id,
    caption,
    duration: seconds,
    usage,
    finish_reason: i % 20 === 3 ? 'length' : 'stop',
    model: 'captioner',
  };
  return { id, result, usage };
}

function filterLine({ id }: Clip, i: number): Line {
  if (i % 7 !== 6) return { id, result: { id } };
  const kind = ['tokens_low', 'ngram_repetition', 'near_duplicate'][i % 3];
  return { id, aside: { kind, message: `It is not wanted: ${HOSTILE[i % HOSTILE.length]}` } };
}

function dialogueOf(clip: Clip, i: number): Dialogue {
  const caption = `A bell rings. ${HOSTILE[i % HOSTILE.length]}`;
  const request = `Please make the sound of a bell in a hall, as I remember it from school. ${HOSTILE[i] ?? ''}`;
  return {
    id: `streets_${clip.id}_realistic`,
    messages: [
      ['system', 'text', 'You make sounds.'],
      ['user', 'text', request],
      ['assistant', 'text', `<think>\nThe user wants a bell.\n</think>\n${caption}`],
      ['assistant', 'audio', clip.audio.uri],
    ],
    audio: clip.audio,
    metadata: { dataset: clip.dataset, detail_level: i % 2 ? 'imaginary' : 'realistic', original_idx: clip.id },
  };
}

function judgedLine(id: string, part: string, i: number): Line {
  const score = (k: number): number => ((i * 7 + k * 3) % 4) + 2;
  const scores = { quality: Object.fromEntries(DIMENSIONS.map((name, k) => [name, { score: score(k) }])) };
  const mean = DIMENSIONS.reduce((sum, _, k) => sum + score(k), 0) / DIMENSIONS.length;
  const overall_score = Math.round(100 * mean) / 100;
  return { id, result: { id, part, scores, overall_score, overall_pass: mean >= 3.5 } as { id: string } };
}

async function write(
  run: Run,
  stage: string,
  lines: Line[],
  prices?: { input: number; output: number },
): Promise<void> {
  writeFileSync(run.file(stage), lines.map(lineText).join(''));
  const counts: Counts = { results: 0, aside: {}, errors: {} };
  const usage = noUsage();
  for (const line of lines) {
    if ('result' in line) counts.results++;
    else if ('aside' in line) counts.aside[line.aside.kind] = (counts.aside[line.aside.kind] ?? 0) + 1;
    else counts.errors[line.error.kind] = (counts.errors[line.error.kind] ?? 0) + 1;
    for (const key of Object.keys(usage) as (keyof typeof usage)[]) usage[key] += line.usage?.[key] ?? 0;
  }
  const failed = Object.keys(counts.errors).length > 0;
  const cost = prices && (usage.prompt_tokens * prices.input + usage.completion_tokens * prices.output) / 1e6;
  const state = failed ? 'running' : 'done';
  await run.update(stage, { state, counts, usage, ...(cost === undefined ? {} : { cost }) });
}
