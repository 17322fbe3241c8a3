/** RUN/clips.jsonl: the clips of a run, made of the files that were looked into. Long sounds become several. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { linesIn, type Run } from '../run/index.js';
import { syncFolder } from '../run/journal.js';
import { lineText } from '../run/lines.js';
import { newEntry } from '../run/run.js';
import type { Clip, Line } from '../types.js';
import { partId } from './found.js';
import type { Heard } from './stage.js';

/**
 * Makes clips.jsonl of files.jsonl, whole or not at all; nothing where that was done already. Files that are no sound are left
 * out; those that could not be read are in it as errors.
 * @returns how many clips there are
 */
export async function writeClips(run: Run): Promise<number> {
  const source = run.file('files');
  const target = run.file('clips');
  const from = await hashOf(source);
  const before = run.entry('clips');
  if (existsSync(target) && before.notes?.from === from) return before.counts.results;
  const counts = newEntry().counts;
  const file = await open(`${target}.part`, 'w');
  try {
    let text = '';
    for await (const line of linesIn<Heard>(source)) {
      for (const part of partsOf(line)) {
        if ('error' in part) counts.errors[part.error.kind] = (counts.errors[part.error.kind] ?? 0) + 1;
        else counts.results++;
        text += lineText(part);
      }
      if (text.length < 1 << 20) continue;
      await file.write(text);
      text = '';
    }
    await file.write(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${target}.part`, target);
  await syncFolder(target);
  await run.update('clips', { ...newEntry(), state: run.entry('files').state, counts, notes: { from } });
  return counts.results;
}

function partsOf(line: Line<Heard>): Line<Clip>[] {
  if ('aside' in line) return [];
  if ('error' in line) return [line];
  const { format: _, cuts, ...clip } = line.result;
  if (!cuts) return [{ id: line.id, result: clip }];
  const { uri, start = 0, end = start + clip.seconds } = clip.audio;
  const edges = [start, ...cuts, Math.round(end * 10_000) / 10_000];
  return cuts.concat(0).map((_, number) => {
    const id = partId(line.id, number);
    const [from, to] = edges.slice(number, number + 2);
    const seconds = Math.round((to - from) * 10_000) / 10_000;
    // What was said or heard in the whole is not known of its parts.
    const { transcript: __, caption: ___, ...rest } = clip;
    return { id, result: { ...rest, id, audio: { uri, start: from, end: to }, seconds } };
  });
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}
