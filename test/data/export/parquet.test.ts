import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readAudio } from '../../../src/audio/index.js';
import { exportParquet } from '../../../src/data/export/parquet.js';
import { KEPT, writeRun } from './small-run.js';

let folder: string;
let run: string;
let connection: DuckDBConnection;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "bagpiper's-parquet-"));
  run = writeRun(folder);
  connection = await (await DuckDBInstance.create(':memory:')).connect();
});
afterAll(() => {
  connection.closeSync();
  rmSync(folder, { recursive: true, force: true });
});

const rows = async (sql: string): Promise<Record<string, unknown>[]> =>
  (
    await connection.runAndReadAll(sql.replaceAll('OUT', join(folder, 'out').replaceAll("'", "''")))
  ).getRowObjectsJS() as Record<string, unknown>[];

it('writes tables with sound that other readers open', async () => {
  const report = await exportParquet(run, join(folder, 'out'), { valid: 0.25, shardBytes: 400_000 });
  const captions = await rows(
    "SELECT id, caption, seconds, audio.bytes AS bytes, audio.path AS path FROM read_parquet('OUT/captions/*.parquet')",
  );
  expect(captions.map(({ id }) => id).sort()).toEqual(KEPT);
  const rain = captions.find(({ id }) => id === 'rain')!;
  expect(rain).toMatchObject({ caption: 'This is \u2028rain.', path: 'rain.wav', seconds: 12345 / 16000 });
  expect((await readAudio(rain.bytes as Uint8Array)).channels[0].length).toBe(12345);
  const types = await rows(
    "SELECT DISTINCT name, type FROM parquet_schema('OUT/captions/*.parquet') WHERE name IN ('bytes', 'path')",
  );
  expect(types.map(({ name, type }) => `${name} ${type}`).sort()).toEqual(['bytes BYTE_ARRAY', 'path BYTE_ARRAY']);
  const [dialogue] = await rows(
    "SELECT messages, metadata FROM read_parquet('OUT/dialogues/*.parquet') WHERE id = 'small_rain_simple_qa1'",
  );
  expect(
    (dialogue.messages as { role: string; modality: string }[]).map(({ role, modality }) => `${role} ${modality}`),
  ).toEqual(['user audio', 'user text', 'assistant text']);
  expect(JSON.parse(dialogue.metadata as string)).toEqual({ dataset: 'small', question_kind: 'simple_qa' });
  // sound is cut into files of about the size asked for
  expect(Object.keys(report.files).filter((name) => name.startsWith('captions/')).length).toBeGreaterThan(2);
  expect(Object.values(report.files).reduce((a, b) => a + b)).toBe(KEPT.length + 3);
});

it("describes the audio column to the hub's library, and the files in the card", async () => {
  const [{ value }] = await rows(
    "SELECT decode(value) AS value FROM parquet_kv_metadata('OUT/dialogues/*.parquet') WHERE decode(key) = 'huggingface'",
  );
  const { features } = (JSON.parse(value as string) as { info: { features: Record<string, object> } }).info;
  expect(features.audio).toEqual({ sampling_rate: 16000, _type: 'Audio' });
  expect(Object.keys(features)).toEqual(['id', 'audio', 'messages', 'seconds', 'metadata']);
  const [, front] = readFileSync(join(folder, 'out', 'README.md'), 'utf8').split('---\n');
  expect((parse(front) as { configs: object[] }).configs[0]).toEqual({
    config_name: 'captions',
    data_files: [
      { split: 'train', path: 'captions/train-*.parquet' },
      { split: 'validation', path: 'captions/valid-*.parquet' },
    ],
  });
});

it('keeps the files that hold the same rows already', async () => {
  const file = join(folder, 'out', 'dialogues', 'valid-00000.parquet');
  const before = statSync(file).ino;
  await exportParquet(run, join(folder, 'out'), { valid: 0.25, shardBytes: 400_000 });
  expect(statSync(file).ino).toBe(before);
});
