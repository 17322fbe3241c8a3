import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type DType, type LoadedTensor, openTorch, readTorch, toFloat32 } from '../../../src/weights/index.js';

/** Files that PyTorch wrote, by its version; see scripts/golden/torch_files.py. */
const root = new URL('../../fixtures/torch/', import.meta.url).pathname;

interface Golden {
  read: Record<string, Record<string, { dtype: DType; shape: number[]; values: (number | string | boolean)[] }>>;
  refused: Record<string, string>;
}

/** A tensor's numbers as the golden data spells them. */
function spelled({ dtype, data }: LoadedTensor): (number | string | boolean)[] {
  if (data instanceof BigInt64Array)
    return Array.from(data, (v) => (Number.isSafeInteger(Number(v)) ? Number(v) : `${v}`));
  if (dtype === 'BOOL') return Array.from(data as Uint8Array, (v) => v === 1);
  const numbers = dtype === 'F16' || dtype === 'BF16' ? toFloat32({ dtype, data }) : data;
  return Array.from(numbers as Float32Array, (v) =>
    Number.isNaN(v) ? 'nan' : Number.isFinite(v) ? v : v > 0 ? 'inf' : '-inf',
  );
}

for (const version of readdirSync(root)) {
  const folder = `${root}${version}/`;
  const golden = JSON.parse(readFileSync(`${folder}values.json`, 'utf8')) as Golden;

  describe(`files of PyTorch ${version}`, () => {
    it.each(Object.entries(golden.read))('%s: every type, shape and number', (name, expected) => {
      for (const file of [openTorch(folder + name), readTorch(readFileSync(folder + name), name)]) {
        expect([...file.tensors.keys()]).toEqual(Object.keys(expected));
        for (const [key, { dtype, shape, values }] of Object.entries(expected)) {
          const tensor = file.tensor(key);
          expect([key, tensor.dtype, tensor.shape, spelled(tensor)]).toEqual([key, dtype, shape, values]);
        }
      }
    });

    it.each(Object.entries(golden.refused))('%s is refused by name', (name, words) => {
      const refusal = expect.objectContaining({
        name: 'BagpiperError',
        message: expect.stringContaining(words) as string,
      });
      expect(() => openTorch(folder + name)).toThrow(refusal);
      expect(() => openTorch(folder + name)).toThrow(`${folder + name} `);
    });

    it('says where numbers lie row-major, so that they can be mapped', () => {
      const file = openTorch(`${folder}strided.pt`);
      const bytes = readFileSync(`${folder}strided.pt`);
      const base = file.tensors.get('base')!;
      const row = file.tensors.get('row')!;
      expect(file.tensors.get('again')!.byteOffset).toBe(base.byteOffset);
      expect(row.byteOffset).toBe(base.byteOffset! + 3 * 12 * 4);
      expect(bytes.readFloatLE(row.byteOffset! + 4)).toBe(37);
      expect(base.byteOffset! % 64).toBe(0);
      for (const name of ['transposed', 'sliced', 'column', 'expanded']) {
        expect(file.tensors.get(name)!.byteOffset).toBeUndefined();
      }
    });

    it('tells what it has left out', () => {
      const file = openTorch(`${folder}deepspeed.pt`);
      expect(Object.fromEntries(file.metadata)).toEqual({
        global_steps: '12000',
        global_samples: String(2n ** 70n),
        ds_version: '0.16.4',
        overflow: 'false',
        data: 'torch.bfloat16',
        device: 'cpu',
      });
      expect(file.skipped).toEqual(['buffer_names', 'param_shapes', 'sparse_tensor_module_names', 'lr_scheduler']);
    });

    it('reads pieces: every range of every strided tensor is that part of the whole', () => {
      const file = openTorch(`${folder}strided.pt`);
      for (const [name, { byteLength }] of file.tensors) {
        const whole = file.bytes(name);
        expect(whole.length).toBe(byteLength);
        for (let start = 0; start <= byteLength; start += 5) {
          for (const end of [start, start + 1, start + 9, start + 50, byteLength]) {
            if (end > byteLength) continue;
            expect(Buffer.from(file.bytes(name, start, end)).equals(whole.subarray(start, end))).toBe(true);
          }
        }
        expect(() => file.bytes(name, 0, byteLength + 1)).toThrow(/do not exist; it has/);
        expect(() => file.bytes(name, 1, 0)).toThrow(/do not exist/);
      }
    });
  });
}
