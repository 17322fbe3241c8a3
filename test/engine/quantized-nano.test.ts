/** The canary of docs/quantization.md: the small model in few bits must stay what it is. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Decoder } from '../../src/engine/decoder.js';
import { type Model, openModel } from '../../src/model/bagpiper.js';
import { buildRows, type Message } from '../../src/model/index.js';
import { convertModel, packagedModel } from '../../src/tasks/index.js';

const folder = mkdtempSync(join(tmpdir(), 'canary-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const CAPTIONS = [
  'This 6-second recording has speech and music. A woman says, "Good morning." A piano plays slowly in the background.',
  'Rain falls on a roof, and a dog barks twice. There is no speech and no music in this recording.',
];

/** Log probabilities of all text ids before each token of the captions. */
async function read(path: string): Promise<Float32Array[]> {
  const model = openModel(path);
  const { config, tokenizer } = model;
  const decoder = await open(model);
  const choices: Float32Array[] = [];
  for (const caption of CAPTIONS) {
    const message: Message = { role: 'assistant', modality: 'text', textIds: tokenizer.encode(caption) };
    const grid = buildRows([message], config, { mode: 'train' });
    const [{ contentStart, contentLength }] = grid.segments;
    decoder.clear(0);
    const count = contentStart + contentLength;
    const hidden = await decoder.feed({
      slot: 0,
      slots: 1,
      count,
      ids: grid.ids.subarray(0, count * config.num_stream),
    });
    const before = hidden.slice((contentStart - 1) * config.hidden_size, (count - 1) * config.hidden_size);
    for (const logits of await decoder.textLogits(before)) {
      const text = logits.slice(config.text_token_offset);
      const most = Math.max(...text);
      const total = most + Math.log(text.reduce((sum, x) => sum + Math.exp(x - most), 0));
      choices.push(text.map((x) => x - total));
    }
  }
  await decoder.release();
  return choices;
}

const open = ({ config, tensor, blocks }: Model): Promise<Decoder> =>
  Decoder.create(config, { threads: 1, parameters: (name) => ({ data: tensor(name) }), blocks });

const best = (p: Float32Array): number => p.reduce((at, x, i) => (x > p[at] ? i : at), 0);

describe('the small model in few bits', () => {
  let truth: Float32Array[];
  beforeAll(async () => {
    truth = await read(packagedModel());
  });

  it.each([
    ['q8', 0.006, 0.93],
    ['q4', 0.2, 0.8],
  ] as const)(
    'in %s diverges by %f nats at most, and its likeliest token is the same in %f of the places',
    async (...row) => {
      const [quantize, most, least] = row;
      const out = join(folder, quantize);
      await convertModel(packagedModel(), out, { quantize });
      const found = await read(out);
      expect(truth.length).toBeGreaterThan(40);
      const divergence = truth.map((p, i) => p.reduce((sum, x, k) => sum + Math.exp(x) * (x - found[i][k]), 0));
      const same = truth.filter((p, i) => best(p) === best(found[i])).length / truth.length;
      const mean = divergence.reduce((a, b) => a + b) / truth.length;
      expect(mean).toBeGreaterThan(0);
      expect(mean).toBeLessThan(most);
      expect(same).toBeGreaterThanOrEqual(least);
    },
  );
});
