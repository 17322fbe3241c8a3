import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/model/config.js';
import {
  allowedIds,
  codecId,
  codecPad,
  codecRange,
  type IdRange,
  textId,
  textRange,
} from '../../src/model/vocabulary.js';
import { goldenConfig, goldenJson } from './golden.js';

const config = goldenConfig();

type Ranges = [number, number][];
interface Allowed {
  choosing_the_modality: { stream_0: Ranges; streams_1_to_7: Ranges };
  text: { stream_0_always: Ranges; stream_0_from_min_step: Ranges; streams_1_to_7: Ranges };
  audio: { always: Record<string, Ranges>; stream_0_from_min_step: Ranges };
}
const { allowed_ids: allowed } = goldenJson<{ allowed_ids: Allowed }>('generation.json');

const pairs = (ranges: IdRange[][]): Ranges[] => ranges.map((list) => list.map(({ start, end }) => [start, end]));
const others = (ranges: Ranges): Ranges[] => new Array<Ranges>(7).fill(ranges);

describe('allowedIds', () => {
  it('masks as the reference does', () => {
    const { choosing_the_modality: choosing, text, audio } = allowed;
    expect(pairs(allowedIds(config, 'modality'))).toEqual([choosing.stream_0, ...others(choosing.streams_1_to_7)]);
    expect(pairs(allowedIds(config, 'text', 0, 1))).toEqual([text.stream_0_always, ...others(text.streams_1_to_7)]);
    const ending = [...text.stream_0_from_min_step, ...text.stream_0_always];
    expect(pairs(allowedIds(config, 'text', 1, 1))[0]).toEqual(ending);
    const streams = Object.values(audio.always);
    expect(pairs(allowedIds(config, 'audio', 49, 50))).toEqual(streams);
    expect(pairs(allowedIds(config, 'audio', 50, 50))).toEqual([
      [...audio.stream_0_from_min_step, ...streams[0]],
      ...streams.slice(1),
    ]);
  });

  it('joins only ids that touch', () => {
    const apart = goldenConfig({ eot_token_id: 20 });
    expect(pairs(allowedIds(apart, 'text', 1))[0]).toEqual([
      [2, 3],
      [20, 21],
      [256, 556],
    ]);
  });
});

describe('ids', () => {
  it('of the published model', () => {
    const published = parseConfig({}, 'config.json');
    expect(codecId(published, 0, 0)).toBe(152193);
    expect(codecPad(published, 1)).toBe(153217);
    expect(codecId(published, 7, 1023)).toBe(160391);
    expect([textRange(published), codecRange(published)]).toEqual([
      { start: 256, end: 152192 },
      { start: 152192, end: 160392 },
    ]);
    expect(textId(published, 151935)).toBe(152191);
  });

  it('send tokenizer id 0 to the pad only where the config says so', () => {
    expect(textId(config, 0)).toBe(0);
    expect(textId(goldenConfig({ text_zero_is_pad: false }), 0)).toBe(256);
  });

  it('refuse what the model does not know', () => {
    expect(() => textId(config, 300)).toThrow(/outside the model's 300 text ids/);
    expect(() => codecId(config, 0, 32)).toThrow(/accepted are 0 to 31/);
    expect(() => codecId(config, 8, 0)).toThrow(/Stream 8 does not exist/);
    expect(() => codecId(config, 0, -1)).toThrow(/Audio code -1/);
  });
});
