import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { openModel } from '../../src/model/bagpiper.js';
import { trainBpe } from '../../src/text/index.js';
import { openSafetensors, type TensorInput, writeSafetensors } from '../../src/weights/index.js';
import { reference } from './parity-kit.js';

const root = mkdtempSync(join(tmpdir(), 'model-'));
afterAll(() => rmSync(root, { recursive: true }));

const tokenizer = JSON.stringify(trainBpe(['a dog barks twice'], { vocabSize: 260 }));
const golden = openSafetensors(join(reference('lm'), 'model.safetensors'));
const tensors = (): TensorInput[] => [...golden.tensors.keys()].map((name) => golden.tensor(name));
const NAME = 'model.layers.1.mlp.down_proj.weight';

let folder: string;

/** The folder's weights with the tensor {@link NAME} changed, or left out. */
function writeWith(change: (tensor: TensorInput) => TensorInput | null): void {
  const changed = tensors().flatMap((tensor) => (tensor.name === NAME ? (change(tensor) ?? []) : tensor));
  writeSafetensors(join(folder, 'model.safetensors'), changed);
}

/** The one sentence that the folder is refused with. */
function refusal(): string {
  try {
    openModel(folder);
  } catch (error) {
    expect(error).toMatchObject({ name: 'BagpiperError' });
    expect((error as Error).message).not.toMatch(/\n/);
    return (error as Error).message;
  }
  return 'accepted';
}

const configWith = (changes: object): void => {
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, ...changes }));
};

beforeEach(() => {
  folder = mkdtempSync(join(root, 'm-'));
  for (const file of ['config.json', 'model.safetensors'])
    copyFileSync(join(reference('lm'), file), join(folder, file));
  writeFileSync(join(folder, 'tokenizer.json'), tokenizer);
});

describe('openModel', () => {
  it('opens a language model, with weights in 16 bits too', () => {
    const model = openModel(folder);
    // 2 x 820 x 64 (ids), 8 x 64 (streams), 25 x 64 (adaptor), 64 (last norm), 3 layers of 37,024 numbers
    expect(model.parameters).toBe(2 * 820 * 64 + 8 * 64 + 25 * 64 + 64 + 3 * (12288 + 24576 + 128 + 32));
    expect(model.codec).toBeNull();
    expect(model.tokenizer.decode(model.tokenizer.encode('a dog'))).toBe('a dog');
    writeWith(({ name, shape }) => ({ name, shape, dtype: 'BF16', data: new Uint16Array(64 * 128).fill(0x3fc0) }));
    expect(openModel(folder).tensor(NAME)[0]).toBe(1.5);
  });

  it('names the file and the tensor that is missing, renamed, misshaped or wrongly typed', () => {
    writeWith(() => null);
    expect(refusal()).toMatch(
      /model\.safetensors lacks tensor "model\.layers\.1\.mlp\.down_proj\.weight"; expected \[64, /,
    );
    writeWith((tensor) => ({ ...tensor, name: 'model.layers.1.mlp.down.weight' }));
    expect(refusal()).toMatch(
      /lacks tensor "model\.layers\.1\.mlp\.down_proj.*"model\.layers\.1\.mlp\.down\.weight".*renamed\?/,
    );
    writeWith((tensor) => ({ ...tensor, shape: [128, 64] }));
    expect(refusal()).toMatch(
      /model\.safetensors holds tensor ".*down_proj\.weight" as \[128, 64\]; expected \[64, 128\]/,
    );
    writeWith(({ name, shape }) => ({ name, shape, dtype: 'I32', data: new Int32Array(64 * 128) }));
    expect(refusal()).toMatch(
      /model\.safetensors holds tensor ".*down_proj\.weight" in I32; expected .*F32, F16, BF16/,
    );
    writeSafetensors(join(folder, 'model.safetensors'), [...tensors(), { ...tensors()[0], name: 'extra' }]);
    expect(refusal()).toMatch(/model\.safetensors holds tensor "extra", which this model does not know/);
  });

  it('tells a size in the config that the weights do not have', () => {
    configWith({ num_hidden_layers: 4 });
    expect(refusal()).toMatch(/lacks tensor "model\.layers\.3\..*\(and 10 more problems with tensors\)/);
  });

  it.each(['config.json', 'tokenizer.json', 'model.safetensors'])('names %s where it is missing', (file) => {
    unlinkSync(join(folder, file));
    expect(refusal()).toMatch(new RegExp(`${file.replace('.', '\\.')} does not exist`));
  });

  it.each([0, 7, 2000, 880_000])('refuses weights that are cut short after %i bytes', (bytes) => {
    truncateSync(join(folder, 'model.safetensors'), bytes);
    expect(refusal()).toMatch(/model\.safetensors (has|is) .*(cut short|is it complete\?)/);
  });

  it.each<[string, string, string, RegExp]>([
    ['a config that is no JSON', 'config.json', '{', /config\.json is not valid JSON/],
    ['a config that is a list', 'config.json', '[]', /config\.json: expected a JSON object, found a list/],
    ['a tokenizer that is no JSON', 'tokenizer.json', 'x', /tokenizer\.json is not valid JSON/],
    ['another kind of tokenizer', 'tokenizer.json', '{"model": {"type": "Unigram"}}', /tokenizer\.json.*"Unigram"/],
    ['weights that are text', 'model.safetensors', 'no tensors in here at all', /model\.safetensors is no safetensors/],
  ])('refuses %s', (_, file, content, message) => {
    writeFileSync(join(folder, file), content);
    expect(refusal()).toMatch(message);
  });

  it('refuses a tokenizer with more tokens than the config has room for', () => {
    writeFileSync(
      join(folder, 'tokenizer.json'),
      JSON.stringify(trainBpe(['abcabcabc'.repeat(40)], { vocabSize: 258 })),
    );
    configWith({ text_token_end: 512 });
    expect(refusal()).toMatch(/tokenizer\.json has 25[78] tokens but .*config\.json has room for 256/);
  });

  it('refuses a codec that the weights do not hold, and one that contradicts itself', () => {
    configWith({ codec_config: { type: 'xcodec' } });
    expect(refusal()).toMatch(/model\.safetensors lacks tensor "multimodal_io_dict\.discrete_audio\.codec_model\./);
    configWith({ codec_config: { type: 'xcodec', codebook_dim: 3 } });
    expect(refusal()).toMatch(/config\.json, codec_config: codebook_dim is 3; /);
  });

  it('is no folder, or one without anything', () => {
    rmSync(folder, { recursive: true });
    expect(refusal()).toMatch(/is no folder; a model folder with config\.json and model\.safetensors is expected/);
  });
});
