/** An export looked at again, as upstream's readers will: what would fail or be dropped there is said here. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Dialogue, Message } from '../types.js';
import type { ExportOptions } from './progress.js';
import { BATCH_SIZE } from './recipe.js';
import type { SetReport } from './sets.js';
import { soundProblem } from './sound.js';
import { jsonLines } from './stream.js';

export interface ExportCheck {
  ok: boolean;
  /** what upstream would stumble over, the first of each kind with its count */
  problems: string[];
  /** what it would pass over in silence */
  notes: string[];
}

/** Problems by kind: millions of equal ones must not fill the report. */
class Findings {
  private readonly found = new Map<string, { count: number; first: string }>();

  add(kind: string, first: string): void {
    const known = this.found.get(kind);
    if (known) known.count++;
    else this.found.set(kind, { count: 1, first });
  }

  list(): string[] {
    return [...this.found.values()].map(({ count, first }) => (count > 1 ? `${first} (and ${count - 1} more)` : first));
  }
}

type Sets = Readonly<Record<string, SetReport>>;

/**
 * Checks an export (docs/data-export.md, "Self-check"). Ids are held in memory, one set after the other.
 *
 * @throws BagpiperError where a file is no JSON; the signal's reason
 */
export async function checkExport(folder: string, sets: Sets, options: ExportOptions = {}): Promise<ExportCheck> {
  const problems = new Findings();
  const notes = new Findings();
  let done = 0;
  const step = (): void => {
    options.signal?.throwIfAborted();
    options.onProgress?.({ what: 'check', done: ++done, left: 0 });
  };
  for (const [name, set] of Object.entries(sets)) {
    const manifest = JSON.parse(await readFile(set.manifest, 'utf8')) as {
      data_entry: { name: string; path: string; reader: string }[];
      samples: string[];
    };
    const ids = new Set(manifest.samples);
    if (ids.size !== manifest.samples.length) problems.add('twice', `${set.manifest} lists an id twice`);
    for (const { path, reader } of manifest.data_entry) {
      if (/[:\s]/.test(path)) problems.add('path', `${path} holds a colon or a space`);
      const seen = new Set<string>();
      for await (const { id, wrong, sound } of readEntry(reader, path)) {
        step();
        if (seen.has(id)) problems.add(`again ${reader}`, `${path} has "${id}" twice`);
        seen.add(id);
        for (const problem of wrong) problems.add(`form ${problem}`, `${path}, "${id}": ${problem}`);
        const bad = sound && (await soundProblem(sound));
        if (bad) problems.add(`sound ${bad}`, `${sound} ${bad}`);
      }
      for (const id of ids)
        if (!seen.has(id)) problems.add(`missing ${path}`, `${path} lacks "${id}" of ${set.manifest}`);
    }
    for (const task of Object.keys(set.tasks)) await checkStatistics(folder, task, name, ids, problems, notes);
  }
  await checkRegistry(folder, sets, problems);
  const kinds = new Set(Object.values(sets).map(({ kind }) => kind));
  for (const kind of kinds) {
    for (const split of ['train', 'valid'] as const) {
      const there = Object.values(sets).some((set) => set.kind === kind && set.split === split);
      if (!there)
        problems.add(
          `no ${kind} ${split}`,
          `there are no ${kind} to ${split === 'train' ? 'learn from' : 'validate with, which the recipe asks for'}`,
        );
    }
  }
  const found = problems.list();
  return { ok: found.length === 0, problems: found, notes: notes.list() };
}

interface Entry {
  id: string;
  wrong: string[];
  sound?: string;
}

async function* readEntry(reader: string, path: string): AsyncGenerator<Entry> {
  if (reader === 'dialogue') {
    for await (const { example_id, messages } of jsonLines<{ example_id: string } & Dialogue>(path)) {
      const sound = messages.find(([, modality]) => modality === 'audio')?.[2];
      yield { id: example_id, wrong: wrongMessages(messages), ...(sound === undefined ? {} : { sound }) };
    }
  } else if (reader === 'text') {
    for await (const { id, text } of jsonLines<{ id: string; text: string }>(path)) {
      yield { id, wrong: text.trim() === '' ? ['the text is empty'] : [] };
    }
  } else {
    const file = join(path, 'cuts.jsonl.gz');
    for await (const { id, recording } of jsonLines<{ id: string; recording: { sources: { source: string }[] } }>(
      file,
    )) {
      yield { id, wrong: [], sound: recording.sources[0].source };
    }
  }
}

const ROLES = ['system', 'user', 'assistant'];

/** What is wrong with a dialogue, in upstream's terms and in those of its data. */
export function wrongMessages(messages: readonly Message[]): string[] {
  const wrong: string[] = [];
  for (const message of messages) {
    if (message.length !== 3) wrong.push('a message has not three items');
    const [role, modality, content] = message;
    if (!ROLES.includes(role)) wrong.push(`the role ${role} does not exist`);
    if (modality !== 'text' && modality !== 'audio') wrong.push(`the modality ${String(modality)} does not exist`);
    if (content.trim() === '') wrong.push('a message is empty');
  }
  const last = messages.at(-1);
  if (last?.[0] !== 'assistant') wrong.push("the last message is not the assistant's");
  const said = messages
    .filter(([role, modality]) => role === 'assistant' && modality === 'text')
    .map(([, , text]) => text);
  const thoughts = said.join('\n').match(/<think>[\s\S]*?<\/think>/g)?.length ?? 0;
  const tags = said.join('\n').match(/<\/?think>/g)?.length ?? 0;
  if (thoughts !== 1 || tags !== 2) wrong.push('there is not exactly one <think> ... </think>');
  else {
    const makes = last?.[1] === 'audio';
    const before = said[0].trimStart().startsWith('<think>');
    if (makes && !before) wrong.push('thinking does not come before the caption of a sound to make');
    if (!makes && before) wrong.push('thinking does not come after the caption of a heard sound');
  }
  return wrong;
}

async function checkStatistics(
  folder: string,
  task: string,
  name: string,
  ids: ReadonlySet<string>,
  problems: Findings,
  notes: Findings,
): Promise<void> {
  const path = join(folder, 'stats', `stats_${task}_${name}.jsonl`);
  const seen = new Set<string>();
  for await (const line of jsonLines<Record<string, number>>(path)) {
    for (const [id, rows] of Object.entries(line)) {
      if (seen.has(id)) problems.add(`again ${task}`, `${path} has "${id}" twice`);
      seen.add(id);
      if (!Number.isInteger(rows) || rows <= 0) problems.add(`rows ${task}`, `${path} gives "${id}" ${rows} rows`);
      if (rows > BATCH_SIZE) {
        notes.add(
          `long ${path}`,
          `${path}: "${id}" has ${rows} rows, over the batch of ${BATCH_SIZE}: upstream drops it`,
        );
      }
    }
  }
  for (const id of ids) if (!seen.has(id)) problems.add(`statistics ${task}`, `${path} lacks "${id}"`);
}

async function checkRegistry(folder: string, sets: Sets, problems: Findings): Promise<void> {
  const known = parse(await readFile(join(folder, 'registry.yaml'), 'utf8')) as Record<string, { path: string }>;
  for (const [name, { manifest }] of Object.entries(sets)) {
    if (known[name]?.path !== manifest) problems.add('registry', `registry.yaml does not know ${name}`);
  }
}
