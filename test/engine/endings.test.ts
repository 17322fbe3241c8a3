import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Core, type CoreRequest } from '../../src/engine/core.js';
import { Decoder } from '../../src/engine/decoder.js';
import type { EngineEvent } from '../../src/engine/types.js';
import { openModel } from '../../src/model/bagpiper.js';
import { buildRows } from '../../src/model/index.js';
import { SCRIPT, writeTinyModel } from '../tiny-model.js';

let folder: string;
let core: Core;

beforeAll(async () => {
  folder = await writeTinyModel(mkdtempSync(join(tmpdir(), 'bagpiper-endings-')));
  core = await Core.open(folder, 1);
});
afterAll(async () => {
  await core.close();
  rmSync(folder, { recursive: true });
});

async function end(request: Partial<CoreRequest>): Promise<Extract<EngineEvent, { type: 'end' }>> {
  let last: EngineEvent | undefined;
  const whole: CoreRequest = {
    messages: [{ role: 'user', modality: 'text', text: 'Ring?' }],
    segments: ['text'],
    text: { temperature: 0 },
    seed: 1,
    ...request,
  };
  await core.run(whole, (event) => (last = event), new AbortController().signal);
  if (last?.type !== 'end') throw new Error('no end');
  return last;
}

/** The whole text read at once, by a decoder of its own: the product of what it gives each id after `from`. */
async function readAtOnce(text: string, from: number): Promise<number> {
  const { config, tokenizer, tensor } = openModel(folder);
  const decoder = await Decoder.create(config, { threads: 1, parameters: (name) => ({ data: tensor(name) }) });
  const prompt = buildRows([{ role: 'user', modality: 'text', textIds: tokenizer.encode('Ring?') }], config, {
    mode: 'inference',
  });
  const said = [...tokenizer.encode(text)].map((id) => config.text_token_offset + id);
  const added = [config.assistant_token_id, config.text_token_id, ...said];
  const ids = new Int32Array((prompt.length + added.length) * config.num_stream);
  ids.set(prompt.ids);
  for (const [i, id] of added.entries()) ids[(prompt.length + i) * config.num_stream] = id;
  const count = prompt.length + added.length;
  const hidden = await decoder.feed({ slot: 0, slots: 1, count, ids });
  const logits = await decoder.textLogits(hidden.subarray((count - said.length - 1) * config.hidden_size));
  await decoder.release();
  const allowed = [config.eos_token_id, config.eot_token_id];
  for (let id = config.text_token_offset; id < config.text_token_end; id++) allowed.push(id);
  const share = (scores: Float32Array, ids: readonly number[]): number => {
    const sum = (list: readonly number[]) => list.reduce((total, id) => total + Math.exp(scores[id]), 0);
    return sum(ids) / sum(allowed);
  };
  let product = share(logits[said.length], allowed.slice(0, 2));
  for (let i = from; i < said.length; i++) product *= share(logits[i], [said[i]]);
  return product;
}

const BEFORE = SCRIPT.slice(0, 4);
const ENDINGS = ['One bell.', 'Two bells.', 'bell'];

describe('endings', () => {
  it('have the probability of being read so, from the mark on', async () => {
    const { endings, segments } = await end({ endings: { after: '</think>', texts: ENDINGS } });
    expect(segments[0].text).toBe(SCRIPT.join(''));
    for (const [i, ending] of ENDINGS.entries()) {
      // The mark ends within an id, which is taken to belong to the ending.
      const whole = await readAtOnce(`${BEFORE.join('')}nk>\n\n${ending}`, BEFORE.length);
      expect(endings![i]).toBeCloseTo(Math.log(whole), 3);
    }
    expect(endings![0]).toBeGreaterThan(Math.max(...endings!.slice(1)));
  });

  it('leave the answer as it is, whatever is asked beside it', async () => {
    const plain = await end({});
    const both = await Promise.all([
      end({ endings: { after: '</think>', texts: ENDINGS } }),
      end({ endings: { after: '</think>', texts: ENDINGS } }),
      end({}),
    ]);
    for (const { segments } of both) expect(segments).toEqual(plain.segments);
    expect(both[0].endings).toEqual(both[1].endings);
    expect(plain.endings).toBeUndefined();
  });

  it('are left out where the text has no mark, or there is no room', async () => {
    expect((await end({ endings: { after: '<answer>', texts: ENDINGS } })).endings).toBeUndefined();
    const long = 'bell '.repeat(2000);
    expect((await end({ endings: { after: '</think>', texts: ['One bell.', long] } })).endings).toBeUndefined();
  });
});
