/**
 * `npx tsx bench/quantization.ts [--model DIR]`: what few bits cost. The model in 32-bit floats generates; then it and its
 * quantized copies read what it generated, and at each row their distributions over what may come next are compared.
 * Prints the Markdown table of docs/quantization.md.
 */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHUNK, Decoder } from '../src/engine/decoder.js';
import { generate } from '../src/engine/generate.js';
import { Hearing } from '../src/engine/hear.js';
import { Scheduler } from '../src/engine/scheduler.js';
import type { Bits } from '../src/graph/index.js';
import {
  type BagpiperConfig,
  buildRows,
  delayDeinterleave,
  encoderTensors,
  languageModelTensors,
  type Message,
  parseConfig,
  type TokenGrid,
} from '../src/model/index.js';
import { type Quantization, storagePlan } from '../src/model/storage.js';
import { Options, runProgram } from '../src/program.js';
import { Random } from '../src/random.js';
import type { SessionOptions } from '../src/runtime/index.js';
import { Tokenizer } from '../src/text/index.js';
import { convertTensors, openCheckpoint, openModelFolder, openWeights, readJsonFile } from '../src/weights/index.js';
import { clip } from './clip.js';
import { digits, machine, machineLines } from './table.js';

interface Variant {
  quantize: Quantization;
  block: number;
  headBits: Bits;
}

const VARIANTS: readonly Variant[] = [
  ...[32, 64, 128].map((block): Variant => ({ quantize: 'q8', block, headBits: 8 })),
  ...[32, 64, 128].flatMap((block): Variant[] => [
    { quantize: 'q4', block, headBits: 8 },
    { quantize: 'q4', block, headBits: 4 },
  ]),
];

/** Requests where the folder has a tokenizer; without one, prompts are random ids. */
const REQUESTS = [
  'A dog barks twice while rain falls on a roof.',
  'A woman says hello in a large hall, then a door closes.',
  'A slow piano melody with birds in the background.',
  'Thunder far away, and an old man counts to five.',
];
const CLIP_SECONDS = 4;

/** What is read: rows with the samples of the sound in it, if there is one. */
interface Passage {
  messages: Message[];
  samples?: Float32Array;
}

/** Distributions of a model along a passage: one array of log probabilities a choice. */
interface Reading {
  text: Float32Array[];
  codes: Float32Array[];
}

interface OpenedModel {
  config: BagpiperConfig;
  decoder: Decoder;
  hearing: Hearing;
}

async function main(): Promise<void> {
  const given = Options.read(process.argv.slice(2), { text: ['model', 'rows', 'threads'] });
  const folder = given.text('model') ?? fileURLToPath(new URL('../test/fixtures/golden/lm', import.meta.url));
  const [rows, threads] = [given.number('rows', 120), given.number('threads', 1)];
  const work = mkdtempSync(join(tmpdir(), 'quantization-'));
  try {
    const plain = await open(folder, threads);
    const passages = await generatePassages(plain, folder, rows);
    const truth = await readAll(plain, passages);
    const count = truth.flatMap(({ text }) => text).length;
    const codes = truth.flatMap((reading) => reading.codes).length;
    const lines = [
      ...machineLines(machine(threads)),
      `${folder}: ${passages.length} passages, ${count} choices of text, ${codes} of codes.`,
    ];
    process.stdout.write(`${lines.join('\n\n')}\n\n${row(HEAD)}\n${row(HEAD.map(() => '---'))}\n`);
    for (const variant of VARIANTS) {
      const { quantize, block, headBits } = variant;
      const out = join(work, `${quantize}-${block}-${headBits}`);
      const checkpoint = openCheckpoint(folder);
      const tensors = new Map([...checkpoint.tensors].filter(([name]) => name !== 'vocab_weight'));
      const plan = storagePlan(tensors, expected(plain.config), variant);
      const beside = (made: string): void => copyFileSync(join(folder, 'config.json'), join(made, 'config.json'));
      const { bytes } = await convertTensors(checkpoint, { out, tensors: plan, beside });
      const model = await open(out, threads);
      const readings = await readAll(model, passages);
      await release(model);
      rmSync(out, { recursive: true });
      const text = compare(
        truth.flatMap((r) => r.text),
        readings.flatMap((r) => r.text),
      );
      const audio = compare(
        truth.flatMap((r) => r.codes),
        readings.flatMap((r) => r.codes),
      );
      const name = `${quantize}, block ${block}${quantize === 'q4' ? `, head q${headBits}` : ''}`;
      process.stdout.write(`${row([name, digits(bytes / 1e6), ...cells(text), ...cells(audio)])}\n`);
    }
    await release(plain);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const HEAD = ['weights', 'MB', 'text: KL, mean', 'KL, 99%', 'same best', 'codes: KL, mean', 'KL, 99%', 'same best'];
const row = (texts: readonly string[]): string => `| ${texts.join(' | ')} |`;

function expected(config: BagpiperConfig): Map<string, readonly number[]> {
  const encoder = config.audio_config ? encoderTensors(config.audio_config) : [];
  return new Map<string, readonly number[]>([...languageModelTensors(config), ...encoder]);
}

/** Opens language model and encoder; whatever else a folder holds is left aside. */
async function open(path: string, threads: number): Promise<OpenedModel> {
  const folder = openModelFolder(path);
  const config = parseConfig(folder.config, folder.configFile);
  const weights = openWeights(folder, expected(config), { ignore: () => true });
  const options: SessionOptions = {
    threads,
    parameters: (name) => ({ data: weights.tensor(name) }),
    blocks: weights.blocks,
  };
  return { config, decoder: await Decoder.create(config, options), hearing: new Hearing(config, options) };
}

async function release({ decoder, hearing }: OpenedModel): Promise<void> {
  await decoder.release();
  await hearing.release();
}

/** Lets the model answer: text and sound to requests, and text to a sound where it can hear. */
async function generatePassages(model: OpenedModel, folder: string, rows: number): Promise<Passage[]> {
  const { config, decoder, hearing } = model;
  const file = join(folder, 'tokenizer.json');
  const tokenizer = existsSync(file) ? Tokenizer.fromJson(readJsonFile(file), file) : undefined;
  const random = new Random('quantization');
  const idsOf = (text: string): ArrayLike<number> =>
    tokenizer?.encode(text) ??
    Array.from({ length: 12 }, () => random.int(config.text_token_end - config.text_token_offset));
  const passages: Passage[] = [];
  const answer = async (messages: Message[], order: ('text' | 'audio')[], samples?: Float32Array): Promise<void> => {
    const lane = new Scheduler(decoder).open();
    await lane.prefill({
      count: buildRows(messages, config, { mode: 'train' }).length,
      ...(await rowsOf(model, messages, samples)),
    });
    const settings = { topk: 20, cfg: 1, min_step: Math.ceil(rows / 4), max_step: rows };
    const segments = await generate(lane, config, {
      segments: order,
      text: { ...settings, temperature: config.generation.text.temperature },
      audio: { ...settings, temperature: config.generation.audio.temperature },
      random,
    });
    await lane.close();
    const said = segments.map(({ modality, rows: all }): Message => {
      if (modality === 'text') {
        return { role: 'assistant', modality, textIds: all.map(([id]) => id - config.text_token_offset) };
      }
      const ids = Int32Array.from(all.flatMap((each) => [...each]));
      return { role: 'assistant', modality, codes: delayDeinterleave(ids, config) };
    });
    passages.push({ messages: [...messages, ...said], samples });
  };
  for (const request of REQUESTS) {
    await answer([{ role: 'user', modality: 'text', textIds: idsOf(request) }], ['text', 'audio']);
  }
  if (config.audio_config) {
    const samples = clip(CLIP_SECONDS);
    const { tokens } = await hearing.features(samples);
    await answer([{ role: 'user', modality: 'audio', frames: tokens }], ['text'], samples);
  }
  return passages;
}

/** Rows of a conversation with the sound's features in their places. */
async function rowsOf({ config, hearing }: OpenedModel, messages: Message[], samples?: Float32Array) {
  const grid = buildRows(messages, config, { mode: 'train' });
  const width = config.hidden_size;
  const features = new Float32Array(grid.length * width);
  const isFeature = new Float32Array(grid.length);
  for (const { start, length } of grid.continuous) {
    features.set((await hearing.features(samples!)).vectors, start * width);
    isFeature.fill(1, start, start + length);
  }
  return { grid, ids: grid.ids, features, isFeature };
}

async function readAll(model: OpenedModel, passages: readonly Passage[]): Promise<Reading[]> {
  const readings: Reading[] = [];
  for (const { messages, samples } of passages) {
    const { grid, ...rows } = await rowsOf(model, messages, samples);
    readings.push(await read(model, grid, rows, messages));
  }
  return readings;
}

/** Feeds a passage and takes the distributions before each row of its answers. */
async function read(
  { config, decoder }: OpenedModel,
  grid: TokenGrid,
  rows: { ids: Int32Array; features: Float32Array; isFeature: Float32Array },
  messages: readonly Message[],
): Promise<Reading> {
  const { hidden_size: width, num_stream: streams, codec_layer_size: layer } = config;
  decoder.clear(0);
  const hidden = new Float32Array(grid.length * width);
  for (let at = 0; at < grid.length; at += CHUNK) {
    const end = Math.min(at + CHUNK, grid.length);
    const part = await decoder.feed({
      slot: 0,
      slots: 1,
      count: end - at,
      ids: rows.ids.subarray(at * streams, end * streams),
      features: rows.features.subarray(at * width, end * width),
      isFeature: rows.isFeature.subarray(at, end),
    });
    hidden.set(part, at * width);
  }
  const reading: Reading = { text: [], codes: [] };
  for (const { message, contentStart, contentLength } of grid.segments) {
    if (messages[message].role !== 'assistant') continue;
    const before = hidden.slice((contentStart - 1) * width, (contentStart + contentLength - 1) * width);
    if (messages[message].modality === 'text') {
      for (const logits of await decoder.textLogits(before))
        reading.text.push(logProbabilities(logits.subarray(config.text_token_offset)));
      continue;
    }
    for (const { codes } of await decoder.audioLogits(before)) {
      for (let s = 0; s < streams; s++)
        reading.codes.push(logProbabilities(codes.subarray(s * layer, (s + 1) * layer)));
    }
  }
  return reading;
}

function logProbabilities(logits: Float32Array): Float32Array {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const total = most + Math.log(logits.reduce((sum, x) => sum + Math.exp(x - most), 0));
  return logits.map((x) => x - total);
}

interface Comparison {
  mean: number;
  worst: number;
  agreement: number;
}

/** KL divergence of each distribution from the true one, in nats, and how often the best choice is the same. */
function compare(truth: readonly Float32Array[], found: readonly Float32Array[]): Comparison {
  const divergences = truth.map((p, i) => p.reduce((sum, x, k) => sum + Math.exp(x) * (x - found[i][k]), 0));
  const best = (p: Float32Array): number => p.reduce((at, x, i) => (x > p[at] ? i : at), 0);
  const same = truth.filter((p, i) => best(p) === best(found[i])).length;
  const sorted = [...divergences].sort((a, b) => a - b);
  return {
    mean: divergences.reduce((a, b) => a + b, 0) / truth.length,
    worst: sorted[Math.floor(0.99 * (sorted.length - 1))],
    agreement: same / truth.length,
  };
}

const cells = ({ mean, worst, agreement }: Comparison): string[] =>
  Number.isNaN(mean) ? ['', '', ''] : [digits(mean), digits(worst), `${(100 * agreement).toFixed(1)}%`];

runProgram(main);
