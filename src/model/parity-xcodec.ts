/** Checks X-Codec against reference data: `cases.safetensors`, with every weight file of the folder. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { BagpiperError } from '../errors.js';
import type { Device } from '../runtime/index.js';
import { openModelFolder, openSafetensors, readJsonFile, type Safetensors, toFloat32 } from '../weights/index.js';
import { Xcodec } from './codec/xcodec.js';
import { parseXcodecConfig } from './codec/xcodec-config.js';
import { type TensorFiles, xcodecFiles } from './codec/xcodec-weights.js';
import { isRequired, type ParityLine, ParityReport, readingCase, referenceTensor } from './parity-lines.js';

/** Of every number; codes must match exactly. */
const TOLERANCE = 1e-4;

const CASES = 'cases.safetensors';
const WEIGHTS = 'model.safetensors';

/**
 * Encodes and decodes every case of `cases.safetensors` (a name before ".audio" makes a case) with the folder's model and with
 * each weight file that lies beside it; the lines of those begin with the file's name.
 *
 * @throws BagpiperError where a file or a tensor is missing or of another shape
 */
export async function checkXcodec(folder: string, threads?: number, device?: Device): Promise<ParityLine[]> {
  const configFile = join(folder, 'config.json');
  const config = parseXcodecConfig(readJsonFile(configFile), configFile);
  const path = join(folder, CASES);
  const cases = openSafetensors(path);
  const names = [...cases.tensors.keys()].filter((name) => name.endsWith('.audio')).map((name) => name.slice(0, -6));
  if (names.length === 0) throw new BagpiperError(`${path} holds no case: a tensor named "case0.audio" is expected.`);
  const lines: ParityLine[] = [];
  for (const { files, where, label } of weightFiles(folder)) {
    const codec = Xcodec.load(xcodecFiles(files, config, where), config, { threads, device });
    try {
      for (const name of names.sort()) {
        const report = new ParityReport(`${label}${name}.`, isRequired(name));
        await readingCase(path, name, () => checkCase(report, cases, name, codec));
        lines.push(...report.lines);
      }
    } finally {
      await codec.release();
    }
  }
  return lines;
}

/** The model of a folder, and files of the same model in other spellings. */
function weightFiles(folder: string): { files: TensorFiles; where: string; label: string }[] {
  const model = { files: openModelFolder(folder), where: join(folder, WEIGHTS), label: '' };
  // Shards of a model are no models of their own.
  if (!existsSync(model.where)) return [{ ...model, where: folder }];
  const others = readdirSync(folder).filter((name) => /^model.+\.safetensors$/.test(name) && name !== WEIGHTS);
  const opened = others.sort().map((name) => {
    const where = join(folder, name);
    return { files: openSafetensors(where), where, label: `${name.slice(0, -'.safetensors'.length)}/` };
  });
  return [model, ...opened];
}

async function checkCase(report: ParityReport, file: Safetensors, name: string, codec: Xcodec): Promise<void> {
  const tensor = (part: string, shape?: readonly number[]) => referenceTensor(file, `${name}.${part}`, shape);
  const audio = tensor('audio');
  const found = await codec.analyse(toFloat32(audio));
  const { frames } = found;
  const parts = [...file.tensors.keys()]
    .filter((key) => key.startsWith(`${name}.`))
    .map((key) => key.slice(name.length + 1));
  const compare = (part: string, actual: Float32Array, rows: number): void => {
    const expected = tensor(part, [1, rows, actual.length / rows]);
    report.numbers(part, actual, toFloat32(expected), TOLERANCE);
  };
  const channels = (values: Float32Array): number => values.length / frames;
  // For finding mistakes; a folder may leave them out.
  const inner = { semantic_mean: found.states, e_semantic: found.semantic, e_acoustic: found.acoustic };
  for (const [part, values] of Object.entries(inner)) if (parts.includes(part)) compare(part, values, channels(values));
  const { embeddings } = found;
  if (parts.includes('embeddings')) {
    compare('embeddings', transposed(embeddings, frames), channels(embeddings));
  }
  // `codes` of all codebooks, and perhaps `codes_bw2` and the like of the first few.
  for (const part of ['codes', ...parts.filter((other) => other.startsWith('codes_')).sort()]) {
    const { shape, data } = tensor(part);
    const rows = shape.length === 3 ? shape[1] : 0;
    tensor(part, [1, Math.min(Math.max(rows, 1), codec.codebooks), frames]);
    const codes = transposed(Int32Array.from(data as ArrayLike<number | bigint>, Number), rows);
    report.exact(part, firstColumns(found.codes, codec.codebooks, rows), codes);
    const decoded = part.replace('codes', 'decoded');
    if (part === 'codes' || parts.includes(decoded)) compare(decoded, await codec.decode(codes, rows), 1);
    if (part === 'codes' && parts.includes('fc2_out')) {
      const latents = await codec.latents(codes, rows);
      compare('fc2_out', latents, channels(latents));
    }
  }
}

/** [rows, columns] -> [columns, rows]. */
function transposed<T extends Float32Array | Int32Array>(values: T, rows: number): T {
  const out = values.slice() as T;
  const columns = values.length / rows;
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c];
  return out;
}

/** The first `kept` of each row's columns. */
const firstColumns = (codes: Int32Array, columns: number, kept: number): Int32Array =>
  codes.filter((_, i) => i % columns < kept);
