import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkFolder } from '../../src/engine/index.js';
import { checkXcodec } from '../../src/model/parity-xcodec.js';
import {
  float32ToHalf,
  openSafetensors,
  type TensorInput,
  toFloat32,
  writeSafetensors,
} from '../../src/weights/index.js';
import { copyOf, failures, patchJson, patchTensor, reference } from './parity-kit.js';

/** Every tensor of the reference weights, to be written again in another form. */
function weights(): (TensorInput & { data: Float32Array })[] {
  const file = openSafetensors(join(reference('xcodec'), 'model.safetensors'));
  return [...file.tensors.values()].map(({ name, shape }) => ({
    name,
    shape,
    dtype: 'F32' as const,
    data: toFloat32(file.tensor(name)),
  }));
}

const POSITIONS = 'semantic_model.encoder.pos_conv_embed.conv.';

describe('checkXcodec', () => {
  it('finds encoding and decoding equal to the upstream ones', async () => {
    const lines = await checkFolder(reference('xcodec'), { threads: 1 });
    expect(failures(lines)).toEqual([]);
    const parts = ['semantic_mean', 'e_semantic', 'e_acoustic', 'embeddings', 'codes', 'decoded', 'fc2_out'];
    expect(lines.map(({ name }) => name)).toEqual(
      // Case 1 takes the padded way through the acoustic encoder, case 3 ends in a rest that makes no frame.
      ['case1', 'case3'].flatMap((name) => [...parts, 'codes_bw2', 'decoded_bw2'].map((part) => `${name}.${part}`)),
    );
  });

  it('takes kernels normalised in both spellings, from each weight file of the folder', async () => {
    const folder = copyOf('xcodec');
    for (const [file, magnitude, direction] of [
      ['model_old', 'weight_g', 'weight_v'],
      ['model_new', 'parametrizations.weight.original0', 'parametrizations.weight.original1'],
    ]) {
      const spelled = weights().flatMap((tensor): TensorInput[] => {
        const { name, shape, data } = tensor;
        if (name.startsWith(`${POSITIONS}param`)) {
          return [{ ...tensor, name: POSITIONS + (name.endsWith('0') ? magnitude : direction) }];
        }
        if (!/^acoustic_.*conv\w*\.weight$/.test(name)) return [tensor];
        const each = data.length / shape[0];
        const lengths = Float32Array.from({ length: shape[0] }, (_, i) =>
          Math.hypot(...data.subarray(i * each, (i + 1) * each)),
        );
        const stem = name.slice(0, -'weight'.length);
        return [
          { ...tensor, name: stem + magnitude, shape: [shape[0], ...shape.slice(1).map(() => 1)], data: lengths },
          // Only its direction matters.
          { ...tensor, name: stem + direction, data: data.map((x) => 3 * x) },
        ];
      });
      writeSafetensors(join(folder, `${file}.safetensors`), spelled);
    }
    const lines = await checkXcodec(folder, 1);
    expect(failures(lines)).toEqual([]);
    expect(lines.filter(({ name }) => name.endsWith('.codes')).map(({ name }) => name)).toEqual([
      ...['case1.codes', 'case3.codes', 'model_new/case1.codes', 'model_new/case3.codes'],
      ...['model_old/case1.codes', 'model_old/case3.codes'],
    ]);
  });

  it('reads 16-bit weights', async () => {
    const folder = copyOf('xcodec');
    const halves = weights().map((tensor) => ({
      ...tensor,
      dtype: 'F16' as const,
      data: float32ToHalf(tensor.data),
    }));
    writeSafetensors(join(folder, 'model.safetensors'), halves);
    const lines = await checkXcodec(folder, 1);
    const errors = lines.filter(({ name }) => name.endsWith('.fc2_out')).map(({ error }) => Number(error));
    // Rounded to 11 bits: near, but no longer within the tolerance.
    for (const error of errors) expect(error > 1e-4 && error < 2e-2).toBe(true);
  });

  it('sees a changed weight, a changed code, and values that are off by more than the tolerance', async () => {
    const folder = copyOf('xcodec');
    const file = join(folder, 'model.safetensors');
    const heal = patchTensor(file, 'acoustic_decoder.block.2.res_unit2.conv1.bias', 0, (x) => x + 0.1);
    expect(failures(await checkXcodec(folder, 1))).toEqual(
      ['case1', 'case3'].flatMap((name) => [`${name}.decoded`, `${name}.decoded_bw2`]),
    );
    heal();
    const cases = join(folder, 'cases.safetensors');
    patchTensor(cases, 'case1.embeddings', 70, (x) => x + 2e-4);
    patchTensor(cases, 'case3.fc2_out', 5, (x) => x - 2e-4);
    patchTensor(cases, 'case3.semantic_mean', 5, (x) => x + 5e-5);
    expect(failures(await checkXcodec(folder, 1))).toEqual(['case1.embeddings', 'case3.fc2_out']);
  });

  it('names what is missing or of another shape', async () => {
    const folder = copyOf('xcodec');
    const config = join(folder, 'config.json');
    let heal = patchJson<Record<string, number[]>>(config, (json) => {
      json.block_dilations = [1, 1, 1];
    });
    await expect(checkXcodec(folder, 1)).rejects.toThrow(
      /model\.safetensors lacks the codec's tensor "encoder_semantic\.conv_blocks\.0\.res_units\.2\.conv1\.weight"; \[32, 32, 3\] in F32, F16, BF16 is expected\.$/,
    );
    heal();
    heal = patchJson<Record<string, number>>(config, (json) => {
      json.codebook_size = 63;
    });
    await expect(checkXcodec(folder, 1)).rejects.toThrow(
      /model\.safetensors holds the codec's tensor "quantizer\.quantizers\.0\.codebook\.embed" as \[64, 48\] in F32; \[63, 48\] /,
    );
    heal();
    const magnitude = `${POSITIONS}parametrizations.weight.original0`;
    writeSafetensors(
      join(folder, 'model.safetensors'),
      weights().map((tensor) => (tensor.name === magnitude ? { ...tensor, name: 'other' } : tensor)),
    );
    await expect(checkXcodec(folder, 1)).rejects.toThrow(`lacks the codec's tensor "${magnitude}"; [1, 1, 128] in F32`);
  });
});
