import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decoder } from '../../src/engine/decoder.js';
import { embeddingsOf } from '../../src/engine/embeddings.js';
import { generate } from '../../src/engine/generate.js';
import { Scheduler } from '../../src/engine/scheduler.js';
import { languageModelTensors, type Modality } from '../../src/model/index.js';
import { type StorageChoice, storagePlan } from '../../src/model/storage.js';
import { Random } from '../../src/random.js';
import type { SessionOptions } from '../../src/runtime/index.js';
import { convertTensors, openCheckpoint, openModelFolder, openWeights, packBlocks } from '../../src/weights/index.js';
import { GOLDEN, goldenJson } from '../model/golden.js';
import { type Answer, config, openDecoder, run, someRequest } from './golden-lm.js';

const root = mkdtempSync(join(tmpdir(), 'quantized-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** The reference model in few bits, mapped from its files. */
async function quantized(choice: StorageChoice): Promise<SessionOptions> {
  const out = join(root, `${choice.quantize}-${choice.block}-${choice.headBits}`);
  const tensors = new Map([...openCheckpoint(GOLDEN).tensors].filter(([name]) => name !== 'vocab_weight'));
  const plan = storagePlan(tensors, languageModelTensors(config), choice);
  const beside = (folder: string) => copyFileSync(`${GOLDEN}/config.json`, join(folder, 'config.json'));
  await convertTensors(openCheckpoint(GOLDEN), { out, tensors: plan, beside });
  const weights = openWeights(openModelFolder(out), languageModelTensors(config));
  return { threads: 1, parameters: (name) => ({ data: weights.tensor(name) }), blocks: weights.blocks };
}

interface GoldenCase {
  name: string;
  config: { enforce_modality?: Modality[] } & Partial<
    Record<Modality, { max_step?: number; min_step?: number; cfg?: number }>
  >;
  prompt: { length: number; ids: number[][]; continuous?: unknown[] };
  segments: { rows: number[][]; steps: { margin: (number | null)[] }[] }[];
}

describe('the reference model at 8 bits', () => {
  let options: SessionOptions;
  beforeAll(async () => {
    options = await quantized({ quantize: 'q8', block: 32, headBits: 8 });
  });

  it('says greedily what it says in 32-bit floats, up to choices too narrow for 8 bits', async () => {
    const decoder = await Decoder.create(config, options);
    const cases = goldenJson<{ cases: GoldenCase[] }>('generation.json').cases.filter(
      ({ prompt }) => !prompt.continuous?.length,
    );
    let compared = 0;
    for (const { config: asked, prompt, segments } of cases) {
      const lane = new Scheduler(decoder).open();
      await lane.prefill({ count: prompt.length, ids: Int32Array.from(prompt.ids.flat()) });
      const greedy = { temperature: 0, topk: 20, cfg: 1, min_step: 1, max_step: 2048 };
      const found = await generate(lane, config, {
        segments: asked.enforce_modality ?? [],
        text: { ...greedy, ...asked.text },
        audio: { ...greedy, ...asked.audio },
        random: new Random(0),
      });
      await lane.close();
      // What comes after a narrow choice may differ; in guided segments the margins are three times as uncertain.
      const narrow = 0.15;
      for (const [t, { margin }] of segments[0].steps.entries()) {
        const widest = Math.max(asked.text?.cfg ?? 1, asked.audio?.cfg ?? 1);
        if (margin.some((m) => m !== null && m < narrow * widest)) break;
        const row = found[0].rows[t];
        if (row === undefined) break;
        expect([...row]).toEqual(segments[0].rows[t]);
        compared++;
      }
    }
    await decoder.release();
    expect(compared).toBeGreaterThan(5);
  });

  it('gives nearly the logits of 32-bit floats', async () => {
    const [plain, few] = [await openDecoder(), await Decoder.create(config, options)];
    const random = new Random('rows');
    const count = 20;
    const ids = new Int32Array(count * config.num_stream);
    for (let t = 0; t < count; t++) ids[t * config.num_stream] = config.text_token_offset + random.int(300);
    const read = async (decoder: Decoder) => {
      const hidden = await decoder.feed({ slot: 0, slots: 1, count, ids });
      const audio = await decoder.audioLogits(hidden);
      return [await decoder.textLogits(hidden), audio.map(({ codes }) => codes), audio.map(({ ends }) => ends)];
    };
    const [expected, actual] = [await read(plain), await read(few)];
    expected.forEach((kind, k) => {
      let [off, size] = [0, 0];
      kind.forEach((logits, i) => {
        logits.forEach((x, j) => {
          off += (x - actual[k][i][j]) ** 2;
          size += x * x;
        });
      });
      expect(Math.sqrt(off / size)).toBeLessThan(0.08);
    });
    for (const decoder of [plain, few]) await decoder.release();
  });
});

describe('several requests on a model at 4 bits', () => {
  it('get, to the last bit, what each would get alone, whether the rows of a step are even or odd', async () => {
    const options = await quantized({ quantize: 'q4', block: 64, headBits: 8 });
    const requests = Array.from({ length: 5 }, (_, i) => someRequest(100 + i));
    const alone: Answer[] = [];
    const decoder = await Decoder.create(config, options);
    for (const request of requests) alone.push(await run(new Scheduler(decoder), request));
    const scheduler = new Scheduler(decoder);
    const together = await Promise.all(requests.map((request) => run(scheduler, request)));
    await decoder.release();
    expect(together).toEqual(alone);
  });
});

describe('embeddingsOf', () => {
  it('reads rows of a large table from its file, as they would be in memory', async () => {
    const [rows, columns, block] = [70_000, 64, 32];
    const random = new Random('table');
    const values = Float32Array.from({ length: rows * columns }, () => random.range(-1, 1));
    const { codes, scales } = packBlocks(values, { bits: 8, block });
    const file = join(root, 'table.bin');
    writeFileSync(file, Buffer.concat([codes, new Uint8Array(scales.buffer)]));
    const places = {
      codes: { file, offset: 0, length: codes.length },
      scales: { file, offset: codes.length, length: 4 * scales.length },
    };
    const table = embeddingsOf({ rows, columns, bits: 8, block, ...places }, columns);
    for (const id of [0, 12_345, rows - 1]) {
      const out = new Float32Array(2 * columns).fill(1);
      table.add(id, out, columns);
      expect(out[0]).toBe(1);
      for (let d = 0; d < columns; d++)
        expect(Math.abs(out[columns + d] - 1 - values[id * columns + d])).toBeLessThan(0.5 / 127 + 1e-6);
    }
    expect(() => table.add(rows, new Float32Array(columns), 0)).toThrow(/no embedding 70000/);
    table.close();
  });
});
