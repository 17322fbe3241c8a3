/**
 * A run as Parquet files with sound inside, as the Hugging Face hub and its `datasets` library take them: the column `audio`
 * is a struct of bytes and path, and the files say so in their metadata. DuckDB writes them.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { stringify } from 'yaml';
import { BagpiperError } from '../../errors.js';
import { writeFileAtomically } from '../../files.js';
import { withDuckDB } from '../source/index.js';
import type { JsonObject } from '../types.js';
import { Each } from './each.js';
import { type ExportOptions, LeftOut } from './progress.js';
import { audioOfCaption, audioOfDialogue, captionsOf, contentsOf, dialoguesOf } from './records.js';
import { RATE, type SoundFile } from './sound.js';

export interface ParquetOptions extends ExportOptions {
  /** bytes of sound in a file, about (default 256 MiB: what the hub's viewer still shows) */
  shardBytes?: number;
}

export interface ParquetReport {
  format: 'parquet';
  /** rows by file */
  files: Record<string, number>;
  leftOut: LeftOut;
}

const SHARD_BYTES = 256 * 2 ** 20;

/** A kind of table: its columns beside `audio`, by DuckDB's names, and as `datasets` describes them. */
interface Table {
  columns: Readonly<Record<string, string>>;
  features: Readonly<Record<string, unknown>>;
}

const text = { dtype: 'string', _type: 'Value' };
const number = { dtype: 'float64', _type: 'Value' };
const AUDIO = { sampling_rate: RATE, _type: 'Audio' };

const TABLES: Record<'captions' | 'dialogues', Table> = {
  captions: {
    columns: {
      caption: 'VARCHAR',
      seconds: 'DOUBLE',
      dataset: 'VARCHAR',
      kind: 'VARCHAR',
      transcript: 'VARCHAR',
      model: 'VARCHAR',
    },
    features: { caption: text, seconds: number, dataset: text, kind: text, transcript: text, model: text },
  },
  dialogues: {
    columns: {
      messages: 'STRUCT("role" VARCHAR, modality VARCHAR, content VARCHAR)[]',
      seconds: 'DOUBLE',
      metadata: 'VARCHAR',
    },
    features: { messages: [{ role: text, modality: text, content: text }], seconds: number, metadata: text },
  },
};

/**
 * Writes `captions/train-00000.parquet` and so on, `dialogues/`, and the card README.md. Files that are there and hold the same
 * rows are kept, so a stopped export goes on. Sound on its way lies in `OUT/work`, which goes at the end.
 *
 * @throws BagpiperError for folders that cannot serve; the signal's reason
 */
export async function exportParquet(run: string, out: string, options: ParquetOptions = {}): Promise<ParquetReport> {
  const folder = resolve(out);
  const work = join(folder, 'work');
  mkdirSync(work, { recursive: true });
  const leftOut = new LeftOut();
  const each = new Each(run, join(work, 'audio'), leftOut, options);
  const write = async (connection: DuckDBConnection): Promise<Record<string, number>> => {
    const shards = new Shards(folder, connection, options.shardBytes ?? SHARD_BYTES);
    await addRecords(run, each, shards);
    await shards.close();
    return shards.files;
  };
  const files = await withDuckDB('Parquet files', write).finally(() => each.close());
  if (Object.keys(files).length === 0) {
    throw new BagpiperError(`${run} has nothing to export: every record was left out.`);
  }
  const report: ParquetReport = { format: 'parquet', files, leftOut };
  await writeFileAtomically(join(folder, 'README.md'), card(files));
  await writeFileAtomically(join(folder, 'export.json'), `${JSON.stringify(report, null, 2)}\n`);
  await rm(work, { recursive: true, force: true });
  return report;
}

async function addRecords(run: string, each: Each, shards: Shards): Promise<void> {
  if (contentsOf(run).captions) {
    for await (const { record, sound, split } of each.of('captions', captionsOf(run), audioOfCaption)) {
      const { clip, caption, model } = record;
      const { dataset, kind = null, transcript = null } = clip;
      const seconds = sound.samples / RATE;
      const row = { caption, seconds, dataset, kind, transcript, model };
      await shards.add('captions', split, record.id, sound, row);
    }
  }
  for await (const { record, sound, split } of each.of('dialogues', dialoguesOf(run), audioOfDialogue)) {
    const messages = record.messages.map(([role, modality, content]) => {
      return { role, modality, content: modality === 'audio' ? `${record.id}.wav` : content };
    });
    const row = { messages, seconds: sound.samples / RATE, metadata: JSON.stringify(record.metadata) };
    await shards.add('dialogues', split, record.id, sound, row);
  }
}

interface Shard {
  table: keyof typeof TABLES;
  path: string;
  rows: string[];
  sounds: string[];
  bytes: number;
}

class Shards {
  readonly files: Record<string, number> = {};
  private readonly open = new Map<string, Shard>();
  private readonly counts = new Map<string, number>();

  constructor(
    private readonly folder: string,
    private readonly connection: DuckDBConnection,
    private readonly most: number,
  ) {}

  async add(table: keyof typeof TABLES, split: string, id: string, sound: SoundFile, row: JsonObject): Promise<void> {
    const key = `${table}/${split}`;
    const bytes = sound.samples * 2;
    let shard = this.open.get(key);
    if (shard && shard.bytes + bytes > this.most) {
      await this.write(shard);
      shard = undefined;
    }
    if (!shard) {
      const count = this.counts.get(key) ?? 0;
      this.counts.set(key, count + 1);
      const name = `${key}-${String(count).padStart(5, '0')}.parquet`;
      shard = { table, path: name, rows: [], sounds: [], bytes: 0 };
      this.open.set(key, shard);
    }
    shard.rows.push(JSON.stringify({ place: shard.rows.length, id, file: sound.path, ...row }));
    shard.sounds.push(sound.path);
    shard.bytes += bytes;
  }

  async close(): Promise<void> {
    for (const shard of this.open.values()) await this.write(shard);
    this.open.clear();
  }

  private async write({ table, path, rows, sounds }: Shard): Promise<void> {
    const { columns, features } = TABLES[table];
    const target = join(this.folder, path);
    mkdirSync(join(this.folder, table), { recursive: true });
    this.files[path] = rows.length;
    const lines = `${rows.join('\n')}\n`;
    const digest = createHash('sha256').update(lines.replaceAll(this.folder, '')).digest('hex');
    if (existsSync(target) && (await this.digestOf(target)) === digest) return;
    const source = join(this.folder, 'work', 'rows.jsonl');
    await writeFile(source, lines);
    const types = Object.entries({ place: 'BIGINT', id: 'VARCHAR', file: 'VARCHAR', ...columns });
    const description = JSON.stringify({ info: { features: { id: text, audio: AUDIO, ...features } } });
    await this.connection.run(`COPY (
      SELECT r.id, struct_pack(bytes := b.content, "path" := r.id || '.wav') AS audio, ${Object.keys(columns)
        .map((name) => `r.${name}`)
        .join(', ')}
      FROM read_json(${quoted(source)}, format = 'newline_delimited', maximum_object_size = 268435456,
        columns = {${types.map(([name, type]) => `${name}: ${quoted(type)}`).join(', ')}}) r
      JOIN read_blob([${[...new Set(sounds)].map(quoted).join(', ')}]) b ON b.filename = r.file
      ORDER BY r.place
    ) TO ${quoted(`${target}.part`)} (FORMAT parquet, COMPRESSION zstd,
      KV_METADATA {huggingface: ${quoted(description)}, bagpiper: ${quoted(digest)}})`);
    await rename(`${target}.part`, target);
  }

  /** Of the rows that a file was made from; undefined for a file of somebody else's. */
  private async digestOf(path: string): Promise<string | undefined> {
    try {
      const reader = await this.connection.runAndReadAll(
        `SELECT decode(value) FROM parquet_kv_metadata(${quoted(path)}) WHERE decode(key) = 'bagpiper'`,
      );
      return String(reader.getRows()[0]?.[0]);
    } catch {
      return undefined;
    }
  }
}

/** The data set's card: which files belong to which configuration and split. */
function card(files: Readonly<Record<string, number>>): string {
  const tables = Object.keys(TABLES).filter((table) => Object.keys(files).some((file) => file.startsWith(`${table}/`)));
  const configs = tables.map((table) => {
    const splits = ['train', 'valid'].filter((split) =>
      Object.keys(files).some((file) => file.startsWith(`${table}/${split}-`)),
    );
    return {
      config_name: table,
      data_files: splits.map((split) => ({
        split: split === 'valid' ? 'validation' : split,
        path: `${table}/${split}-*.parquet`,
      })),
    };
  });
  const rows = Object.entries(files).map(([file, count]) => `| ${file} | ${count} |`);
  return `---\n${stringify({ configs })}---\n\n# Sounds with rich captions\n\nWritten by \`bagpiper data export parquet\`. Say here where the sounds come from and what their licences allow.\n\n| file | rows |\n| --- | ---: |\n${rows.join('\n')}\n`;
}

/** For SQL. */
const quoted = (value: string): string => `'${value.replaceAll("'", "''")}'`;
