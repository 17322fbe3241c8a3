import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ENCODER_PREFIX } from '../../src/model/index.js';
import { checkEncoder } from '../../src/model/parity-encoder.js';
import { copyOf, failures, patchJson, patchTensor, reference } from './parity-kit.js';

describe('checkEncoder', () => {
  it('finds front end, encoder and adaptor equal to the upstream ones, in both recipes', async () => {
    const lines = await checkEncoder(reference('audio-encoder'), 1);
    expect(failures(lines)).toEqual([]);
    expect(lines.filter(({ name }) => name.startsWith('case2.')).map(({ name }) => name.slice(6))).toEqual([
      ...['lengths', 'cu_seqlens', 'mel', 'embed', 'layer0', 'features', 'adapted', 'features (from audio)'],
      ...['norm_lengths', 'norm_mel', 'norm_features', 'norm_features (from audio)'],
    ]);
    expect(lines.filter(({ name }) => name.startsWith('case3.'))).toHaveLength(8);
  });

  it('sees a changed weight, and values that are off by more than the tolerance', async () => {
    const folder = copyOf('audio-encoder');
    const weights = join(folder, 'model.safetensors');
    const heal = patchTensor(weights, `${ENCODER_PREFIX}layers.1.fc1.bias`, 3, (x) => x + 0.5);
    const broken = failures(await checkEncoder(folder, 1));
    expect(broken).toContain('case0.features');
    expect(broken).not.toContain('case0.layer0');
    heal();
    const cases = join(folder, 'cases.safetensors');
    patchTensor(cases, 'case1.norm_mel', 7, (x) => x + 3e-5);
    patchTensor(cases, 'case0.adapted', 7, (x) => x + 1e-3);
    patchTensor(cases, 'case2.cu_seqlens', 1, (x) => x + 2);
    const failed = failures(await checkEncoder(folder, 1));
    expect(failed).toEqual(['case0.adapted', 'case1.norm_mel', 'case2.cu_seqlens']);
  });

  it('depends on the sizes in the config alone', async () => {
    const folder = copyOf('audio-encoder');
    patchJson<{ audio_config: Record<string, number> }>(join(folder, 'config.json'), ({ audio_config }) => {
      // One attention window over the whole clip: wrong for long clips only.
      audio_config.n_window_infer = 4000;
    });
    const failed = failures(await checkEncoder(folder, 1));
    expect(failed).toContain('case2.features');
    expect(failed.filter((name) => /^case[01]\./.test(name))).toEqual([]);
  });

  it('names a tensor that is missing or misshaped', async () => {
    const folder = copyOf('audio-encoder');
    patchJson<{ audio_config: Record<string, number> }>(join(folder, 'config.json'), ({ audio_config }) => {
      audio_config.encoder_layers = 3;
    });
    await expect(checkEncoder(folder, 1)).rejects.toThrow(/model\.safetensors lacks tensor ".*layers\.2\./);
  });
});
