import { cpSync, mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { checkFolder } from '../../src/engine/index.js';
import { copyOf, failures, patchJson, patchTensor, reference } from '../model/parity-kit.js';

const check = (folder: string) => checkFolder(folder, { threads: 1 });

interface Generation {
  allowed_ids: { text: { stream_0_always: number[][] } };
  sampling_distribution: { probabilities: number[] }[];
  cases: { name: string; segments: { rows: number[][]; steps: { best_logit: number[] }[] }[] }[];
}

describe('checkFolder', () => {
  it('finds a language model equal to the upstream one: grids, values, and what it generates', async () => {
    const lines = await check(reference('lm'));
    expect(failures(lines)).toEqual([]);
    const names = lines.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        ...['sequences/text_to_audio', 'packs/pack_three_grown', 'delay/inverse 1', 'forward/packed.loss'],
        ...['generation/allowed_ids.audio.stream_7', 'generation/sampling_distribution.0.probabilities'],
        ...['generation/audio_segment_cfg3.0.rows', 'generation/audio_segment_cfg3.0.step11.uncond_logits'],
        ...['generation/modality_chosen_by_model.1.text_ids', 'generation/text_segment.cache_rows'],
      ]),
    );
    const optional = lines.filter(({ required }) => !required).map(({ name }) => name);
    expect(optional).toEqual(['sequences/text_id_zero_quirk', 'sequences/dropout_two_audio_answers_quirk']);
  });

  it('takes other sizes, other special ids and guided text from the folder (computed by scripts/golden)', async () => {
    expect(failures(await check(reference('lm-odd')))).toEqual([]);
    expect(failures(await check(reference('audio-odd')))).toEqual([]);
  });

  it('sees what was changed in the expected values, and what of it counts', async () => {
    const folder = copyOf('lm-odd');
    patchJson<Generation>(join(folder, 'generation.json'), (json) => {
      const { segments } = json.cases.find(({ name }) => name === 'text_cfg2')!;
      segments[0].rows[1][0]++;
      segments[0].steps[2].best_logit[0] += 0.01;
    });
    patchTensor(join(folder, 'generation.safetensors'), 'text.0.step0.logits', 3, (x) => x - 0.01);
    patchJson<{ cases: { name: string; expected: { ids: number[][] } }[] }>(
      join(folder, 'sequences.json'),
      ({ cases }) => {
        const odd = structuredClone(cases[1]);
        odd.name = 'odd_quirk';
        odd.expected.ids[1][0]++;
        cases.push(odd);
      },
    );
    const lines = await check(folder);
    const failed = lines.filter(({ ok }) => !ok);
    expect(failed.map(({ name, required }) => [name, required])).toEqual([
      ['sequences/odd_quirk', false],
      ['generation/text.0.step0.logits', true],
      ['generation/text_cfg2.0.rows', true],
      ['generation/text_cfg2.0.best_logit', true],
    ]);
    expect(failed.map(({ error }) => Number(error).toFixed(3))).toEqual(['1.000', '0.010', '1.000', '0.010']);
  });

  it('sees a changed weight in what is generated, and changed masks and chances', async () => {
    const folder = copyOf('lm');
    patchTensor(join(folder, 'model.safetensors'), 'stream_emb.weight', 3 * 64, (x) => x + 1000);
    patchJson<Generation>(join(folder, 'generation.json'), (json) => {
      json.allowed_ids.text.stream_0_always[0][1]--;
      json.sampling_distribution[1].probabilities[0] += 1e-5;
    });
    const failed = failures(await check(folder));
    expect(failed).toEqual(
      expect.arrayContaining([
        'generation/allowed_ids.text.stream_0_always',
        'generation/sampling_distribution.1.probabilities',
        'generation/audio_segment_cfg3.0.rows',
        'generation/audio_segment_cfg3.0.codes',
      ]),
    );
    expect(failed).not.toContain('generation/text_segment.0.rows');
  });
});

describe('folders that cannot be checked', () => {
  const root = mkdtempSync(join(tmpdir(), 'parity-'));
  afterAll(() => rmSync(root, { recursive: true }));

  /** The one sentence that a folder is refused with. */
  async function refusal(folder: string): Promise<string> {
    const error = await check(folder).then(
      () => new Error('accepted'),
      (thrown: Error) => thrown,
    );
    expect(error.name).toBe('BagpiperError');
    expect(error.message).not.toMatch(/\n/);
    return error.message;
  }

  it('are named: none, empty, of another kind', async () => {
    expect(await refusal(join(root, 'none'))).toMatch(/none is no folder/);
    expect(await refusal(root)).toMatch(/no reference data of a known kind; .*sequences\.json.*cases\.safetensors/);
    const codec = join(root, 'codec');
    cpSync(reference('audio-odd'), codec, { recursive: true });
    // A codec's cases hold no log-mel pictures, and its config no audio encoder.
    renameSync(join(codec, 'model.safetensors'), join(codec, 'cases.safetensors'));
    writeFileSync(join(codec, 'config.json'), '{"codebook_size": 1024}');
    expect(await refusal(codec)).toMatch(/no reference data of a known kind/);
  });

  it.each([
    'config.json',
    'model.safetensors',
    'sequences.json',
    'delay.json',
    'forward.json',
    'forward.safetensors',
    'generation.json',
    'generation.safetensors',
  ])('name a language model that lacks %s', async (file) => {
    const folder = copyOf('lm-odd');
    unlinkSync(join(folder, file));
    expect(await refusal(folder)).toContain(`lacks ${file}; reference data of a language model has config.json`);
  });

  it.each(['config.json', 'model.safetensors', 'cases.safetensors'])('name an encoder that lacks %s', async (file) => {
    const folder = copyOf('audio-odd');
    unlinkSync(join(folder, file));
    expect(await refusal(folder)).toContain(`lacks ${file}; reference data of an audio encoder has config.json`);
  });

  it('name a file without cases, without a case list, or cut short', async () => {
    const folder = copyOf('lm-odd');
    const broken = async (file: string, content: string): Promise<string> => {
      const heal = patchJson(join(folder, file), () => {});
      writeFileSync(join(folder, file), content);
      const message = await refusal(folder);
      heal();
      return message;
    };
    expect(await broken('generation.json', '{"cases": []}')).toMatch(/generation\.json holds no "cases"/);
    expect(await broken('sequences.json', '{"cases": 3}')).toMatch(/sequences\.json holds no case/);
    expect(await broken('delay.json', '[]')).toMatch(/delay\.json holds no case/);
    expect(await broken('forward.json', '[')).toMatch(/forward\.json is not valid JSON/);
    writeFileSync(join(folder, 'forward.safetensors'), 'short');
    expect(await refusal(folder)).toMatch(/forward\.safetensors has 5 bytes, too few/);
  });
});
