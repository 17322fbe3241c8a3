/** Checks the token grid, packing and delay pattern against reference data: `sequences.json` and `delay.json`. */
import { readJsonFile } from '../weights/json.js';
import { type BagpiperConfig, parseConfig } from './config.js';
import { delayDeinterleave, delayInterleave } from './delay.js';
import { dropConditions } from './dropout.js';
import { buildRows, type TokenGrid } from './grid.js';
import type { Message, Role } from './messages.js';
import { packGrids } from './pack.js';
import { differences, isRequired, type ParityLine } from './parity-lines.js';

/** A message as the reference files write it. */
export interface GoldenMessage {
  role: Role;
  modality: 'text' | 'audio';
  text_ids?: number[];
  codes?: number[][];
  frames?: number;
}

/** A case of `sequences.json`. */
export interface GoldenCase {
  name: string;
  mode: 'train' | 'inference';
  condition_dropout?: { kept_message: number | null };
  messages: GoldenMessage[];
  expected: {
    length: number;
    ids: number[][];
    loss_mask: number[][];
    continuous: { message: number; start: number; length: number }[];
    segments: { message: number; kind: string; content_start: number; content_length: number; end_token: string }[];
  };
}

/** A pack of `sequences.json`. */
export interface GoldenPack {
  name: string;
  samples: string[];
  batch_length: number;
  expected: {
    length: number;
    used: number;
    sample_starts: number[];
    cu_seqlens: number[];
    position_ids: number[];
    continuous: { start: number; length: number }[];
  };
}

interface GoldenTrip {
  frames: number;
  codes: number[][];
  interleaved_global: number[][];
  deinterleaved_codes: number[][];
}

interface GoldenInverse {
  rows_global: number[][];
  codes: number[][];
}

/**
 * Runs every case of `sequences.json` and `delay.json` in `folder`; ids and masks must match exactly. Cases whose name ends
 * in `_quirk` are reported and not required. A file that is not there gives no line.
 *
 * @throws BagpiperError where `config.json` is missing or wrong.
 */
export function checkSequences(folder: string): ParityLine[] {
  const path = `${folder}/config.json`;
  const config = parseConfig(readJsonFile(path), path);
  const lines: ParityLine[] = [];
  const sequences = readLists(`${folder}/sequences.json`);
  const cases = new Map((sequences.cases as GoldenCase[] | undefined)?.map((entry) => [entry.name, entry]));
  for (const entry of cases.values()) lines.push(line(`sequences/${entry.name}`, () => checkCase(entry, config)));
  for (const pack of (sequences.packs as GoldenPack[] | undefined) ?? []) {
    lines.push(line(`packs/${pack.name}`, () => checkPack(pack, cases, config)));
  }
  const delay = readLists(`${folder}/delay.json`);
  for (const [index, trip] of (delay.round_trips as GoldenTrip[] | undefined)?.entries() ?? []) {
    lines.push(line(`delay/${index} (${trip.frames} frames)`, () => checkTrip(trip, config)));
  }
  for (const [index, entry] of (delay.deinterleave_only as GoldenInverse[] | undefined)?.entries() ?? []) {
    const check = (): number => differences(delayDeinterleave(entry.rows_global.flat(), config), entry.codes.flat());
    lines.push(line(`delay/inverse ${index}`, check));
  }
  return lines;
}

/** The messages of a reference case. */
export function goldenMessages(messages: readonly GoldenMessage[]): Message[] {
  return messages.map(({ role, modality, text_ids, codes, frames }): Message => {
    if (modality === 'text') return { role, modality, textIds: text_ids ?? [] };
    if (codes !== undefined) return { role: 'assistant', modality, codes: Int32Array.from(codes.flat()) };
    return { role: role as 'system' | 'user', modality, frames: frames ?? 0 };
  });
}

/** The grid of a reference case, condition dropout included. */
export function goldenGrid(entry: GoldenCase, config: BagpiperConfig): TokenGrid {
  const grid = buildRows(goldenMessages(entry.messages), config, { mode: entry.mode });
  const kept = entry.condition_dropout?.kept_message ?? null;
  return kept === null ? grid : dropConditions(grid, kept, true);
}

/** The lists of objects that a reference file holds, by name; a missing file holds none. */
function readLists(path: string): Record<string, object[]> {
  const json = readJsonFile(path, { optional: true }) ?? {};
  const isEntry = (entry: unknown): boolean => typeof entry === 'object' && entry !== null;
  const lists = Object.entries(json as object).filter(([, value]) => Array.isArray(value) && value.every(isEntry));
  return Object.fromEntries(lists) as Record<string, object[]>;
}

function line(name: string, check: () => number): ParityLine {
  const required = isRequired(name);
  try {
    const error = check();
    return { name, error, tolerance: 0, ok: error === 0, required };
  } catch (error) {
    return { name, error: error instanceof Error ? error.message : String(error), tolerance: 0, ok: false, required };
  }
}

function checkCase(entry: GoldenCase, config: BagpiperConfig): number {
  const grid = goldenGrid(entry, config);
  const { expected } = entry;
  const segments = grid.segments.map((segment) => ({
    message: segment.message,
    kind: segment.kind,
    content_start: segment.contentStart,
    content_length: segment.contentLength,
    end_token: segment.endToken,
  }));
  return (
    differences([grid.length], [expected.length]) +
    differences(grid.ids, expected.ids.flat()) +
    differences(grid.lossMask, Float32Array.from(expected.loss_mask.flat())) +
    listDifferences(grid.continuous, expected.continuous) +
    listDifferences(segments, expected.segments)
  );
}

function checkPack(entry: GoldenPack, cases: Map<string, GoldenCase>, config: BagpiperConfig): number {
  const samples = entry.samples.map((name) => {
    const found = cases.get(name);
    if (found === undefined) throw new Error(`the pack names an unknown case ${name}`);
    return found;
  });
  const pack = packGrids(
    samples.map((sample) => goldenGrid(sample, config)),
    entry.batch_length,
  );
  const { expected } = entry;
  const padded = (rows: number[][]): number[] => {
    const flat = rows.flat();
    return [...flat, ...new Array<number>(pack.ids.length - flat.length).fill(0)];
  };
  return (
    differences([pack.length, pack.used], [expected.length, expected.used]) +
    differences(pack.ids, padded(samples.flatMap((sample) => sample.expected.ids))) +
    differences(pack.lossMask, Float32Array.from(padded(samples.flatMap((sample) => sample.expected.loss_mask)))) +
    differences(pack.sampleStarts, expected.sample_starts) +
    differences(pack.cuSeqlens, expected.cu_seqlens) +
    differences(pack.positionIds, expected.position_ids) +
    listDifferences(
      pack.continuous.map(({ start, length }) => ({ start, length })),
      expected.continuous,
    )
  );
}

function checkTrip(trip: GoldenTrip, config: BagpiperConfig): number {
  const ids = delayInterleave(trip.codes.flat(), config);
  return (
    differences(ids, trip.interleaved_global.flat()) +
    differences(delayDeinterleave(ids, config), trip.deinterleaved_codes.flat())
  );
}

function listDifferences(actual: readonly object[], expected: readonly object[]): number {
  const text = (entry: object): string => JSON.stringify(Object.entries(entry).sort());
  const found = actual.map(text);
  return expected.filter((entry, i) => text(entry) !== found[i]).length + Math.max(0, actual.length - expected.length);
}
