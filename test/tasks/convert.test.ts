import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { openModel } from '../../src/model/bagpiper.js';
import { type ConvertEvent, type ConvertModelOptions, convertModel } from '../../src/tasks/index.js';
import {
  openCheckpoint,
  openModelFolder,
  openSafetensors,
  type TensorInput,
  toFloat32,
  writeSafetensors,
} from '../../src/weights/index.js';
import { copyOf, reference } from '../model/parity-kit.js';
import { TINY, type TinyTensor, writeTinyModel } from '../tiny-model.js';

/** Written by PyTorch; see scripts/golden/checkpoint.py. */
const PUBLISHED = fileURLToPath(new URL('../fixtures/checkpoint', import.meta.url));
const CHECKSUMS = JSON.parse(readFileSync(join(PUBLISHED, 'checksums.json'), 'utf8')) as Record<string, string>;
const CODEC = 'multimodal_io_dict.discrete_audio.codec_model.';

const root = mkdtempSync(join(tmpdir(), 'convert-model-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const at = (name: string): string => join(root, name);
let made = 0;

async function convert(input: string, options: ConvertModelOptions = {}) {
  const out = at(`made-${made++}`);
  return { out, ...(await convertModel(input, out, options)) };
}

const jsonIn = (folder: string, name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const weightsIn = (folder: string) => readFileSync(join(folder, 'model.safetensors'));

describe('a published checkpoint', () => {
  it('becomes, without quantization, a folder with every tensor to the byte', async () => {
    const events: ConvertEvent[] = [];
    const { out, groups, dropped } = await convert(PUBLISHED, {
      quantize: 'none',
      onEvent: (event) => events.push(event),
    });
    const { tensors } = openModelFolder(out);
    expect([...tensors.keys()].sort()).toEqual(Object.keys(CHECKSUMS).sort());
    const checkpoint = openCheckpoint(out);
    for (const [name, sum] of Object.entries(CHECKSUMS)) {
      expect([name, createHash('sha256').update(checkpoint.bytes(name)).digest('hex')]).toEqual([name, sum]);
    }
    expect(dropped).toEqual(['vocab_weight']);
    expect(Object.fromEntries(groups.map(({ name, tensors: count }) => [name, count]))).toEqual({
      'embeddings and head': 4,
      adaptor: 2,
      'decoder layers': 11,
      'audio encoder': 29,
      codec: 23,
    });
    expect(events[0]).toEqual({ type: 'planned', groups, dropped });
    const last = events.at(-1);
    expect(last).toMatchObject({ type: 'progress', kept: false });
    expect(last?.type === 'progress' && last.done === last.total).toBe(true);
  });

  it('says what ESPnet’s vLLM looks for in config.json', async () => {
    const { out } = await convert(PUBLISHED, { quantize: 'none' });
    const config = jsonIn(out, 'config.json');
    const { hidden_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim, vocab_size } = TINY;
    expect(config).toMatchObject({
      architectures: ['BagpiperForConditionalGeneration'],
      model_type: 'bagpiper',
      torch_dtype: 'bfloat16',
      num_stream: 4,
      adaptor_input_dim: 16,
      hidden_size,
      vocab_size,
      codec_base_offset: TINY.codec_base_offset,
      codec_layer_size: 17,
      text_token_offset: 256,
      text_token_end: TINY.text_token_end,
      initializer_range: 0.02,
      audio_temperature: 0.8,
      audio_topk: 8,
      text_temperature: 0.6,
      text_topk: 20,
      ...{ pad_token_id: 0, bos_token_id: 1, eos_token_id: 2, eot_token_id: 3, system_token_id: 4, user_token_id: 5 },
      ...{ assistant_token_id: 6, text_token_id: 7, audio_token_id: 8, audio_placeholder_token_id: 8 },
      text_config: {
        model_type: 'bagpiper_text',
        ...{ vocab_size, hidden_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim },
        ...{ intermediate_size: 32, hidden_act: 'silu', max_position_embeddings: 2048, initializer_range: 0.02 },
        ...{ rms_norm_eps: 1e-6, use_cache: true, tie_word_embeddings: false, rope_theta: 10000 },
        ...{ attention_bias: false, attention_dropout: 0 },
      },
      audio_config: {
        model_type: 'bagpiper_audio_encoder',
        ...TINY.audio_config,
        ...{ dropout: 0, attention_dropout: 0, activation_function: 'gelu', activation_dropout: 0 },
        ...{ scale_embedding: false, initializer_range: 0.02, max_source_positions: 1500, conv_chunksize: 500 },
      },
    });
    expect(config.quantization).toBeUndefined();
    expect(readdirSync(out).sort()).toEqual([
      'added_tokens.json',
      'chat_template.jinja',
      'config.json',
      'generation_config.json',
      'merges.txt',
      'model.safetensors',
      'special_tokens_map.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'vocab.json',
    ]);
  });

  it('becomes a folder that opens here, in every number format, with the tokenizer’s own ids', async () => {
    const plain = openModel((await convert(PUBLISHED, { quantize: 'none' })).out);
    for (const quantize of ['q8', 'q4'] as const) {
      const { out } = await convert(PUBLISHED, { quantize, block: 32 });
      const model = openModel(out);
      expect(model.parameters).toBe(plain.parameters);
      expect([...model.tokenizer.encode('a bell')]).toEqual([...plain.tokenizer.encode('a bell')]);
      const bits = quantize === 'q4' ? 4 : 8;
      expect(model.blocks('model.layers.0.mlp.up_proj.weight')).toMatchObject({ bits, block: 32 });
      expect(model.blocks('lm_head.weight')).toMatchObject({ bits: 8, block: 32 });
      expect(jsonIn(out, 'config.json').quantization).toMatchObject({
        format: 'bagpiper-blocks',
        version: 1,
        method: quantize,
        block: 32,
        head_bits: 8,
      });
    }
    const { out } = await convert(PUBLISHED, { headBits: 4 });
    expect(openModel(out).blocks('lm_head.weight')).toMatchObject({ bits: 4, block: 64 });
  });

  it('is taken as a file, as a DeepSpeed folder, and in shards', async () => {
    const whole = weightsIn((await convert(PUBLISHED)).out);
    const { config, tokenizer } = { config: join(PUBLISHED, 'config.json'), tokenizer: PUBLISHED };
    const deepspeed = at('deepspeed');
    cpSync(join(PUBLISHED, 'model.pt'), join(deepspeed, 'global_step7', 'mp_rank_00_model_states.pt'));
    writeFileSync(join(deepspeed, 'latest'), 'global_step7');
    const linked = at('linked.bin');
    symlinkSync(join(PUBLISHED, 'model.pt'), linked);
    for (const input of [join(PUBLISHED, 'model.pt'), deepspeed, linked]) {
      expect(weightsIn((await convert(input, { config, tokenizer })).out)).toEqual(whole);
    }
    const shards = at('shards');
    await writeShards(shards);
    for (const input of [shards, join(shards, 'model.safetensors.index.json')]) {
      expect(weightsIn((await convert(input, { config, tokenizer })).out)).toEqual(whole);
    }
  });
});

/** The published tensors in three files with an index. */
async function writeShards(folder: string): Promise<void> {
  cpSync(join(PUBLISHED, 'tokenizer.json'), join(folder, 'tokenizer.json'));
  const checkpoint = openCheckpoint(PUBLISHED);
  const names = [...checkpoint.tensors.keys()];
  const map: Record<string, string> = {};
  for (const part of [0, 1, 2]) {
    const file = `model-0000${part + 1}-of-00003.safetensors`;
    const tensors = names.filter((_, i) => i % 3 === part).map((name): TensorInput => checkpoint.tensor(name));
    writeSafetensors(join(folder, file), tensors);
    for (const { name } of tensors) map[name] = file;
  }
  writeFileSync(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map: map }));
}

describe('X-Codec', () => {
  it('is converted with what training left in it, and its absence from config.json is no absence', async () => {
    const source = openSafetensors(join(reference('xcodec'), 'model.safetensors'));
    const codec: TinyTensor[] = [...source.tensors.values()]
      .filter(({ name }) => !/quantizers\.[4-7]\.codebook\.embed$/.test(name))
      .map(({ name, shape }) => ({ name: CODEC + name, shape: [...shape], data: toFloat32(source.tensor(name)) }));
    const sizes = jsonIn(reference('xcodec'), 'config.json');
    const config = { ...TINY, codec_config: { ...sizes, type: 'xcodec', target_bandwidths: [0.3, 1.2] } };
    const swap = (tensors: TinyTensor[]) => [...tensors.filter(({ name }) => !name.startsWith(CODEC)), ...codec];
    const input = await writeTinyModel(at('xcodec'), swap, config);
    const { out } = await convert(input, { quantize: 'none' });
    expect(openModelFolder(out).tensors.size).toBe(openCheckpoint(input).tensors.size);
    expect(jsonIn(out, 'config.json')).toMatchObject({
      xcodec_hf_model_tag: 'hf-audio/xcodec-hubert-general',
      xcodec_sample_rate: 16000,
    });
    const { codec_config: _, ...silent } = config;
    writeFileSync(join(input, 'config.json'), JSON.stringify(silent));
    // Now the published sizes are asked for, which these are not: what matters is that the codec is not overlooked.
    await expect(convert(input)).rejects.toThrow(/codec_model\.[\w.]+" as \[.*more problems with tensors\)/);
  });
});

describe('a conversion that stops', () => {
  it('by its signal goes on from there, to the same bytes', async () => {
    const whole = weightsIn((await convert(PUBLISHED)).out);
    const out = at('stopped');
    const controller = new AbortController();
    let seen = 0;
    const options: ConvertModelOptions = {
      signal: controller.signal,
      onEvent: ({ type }) => type === 'progress' && ++seen === 20 && controller.abort(new Error('Ctrl-C')),
    };
    await expect(convertModel(PUBLISHED, out, options)).rejects.toThrow('Ctrl-C');
    expect([existsSync(out), existsSync(`${out}.part`), existsSync(`${out}.part.lock`)]).toEqual([false, true, false]);
    const { kept } = await convertModel(PUBLISHED, out);
    expect(kept).toBe(20);
    expect(weightsIn(out)).toEqual(whole);
    expect(readdirSync(out).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
  });

  it('by SIGKILL halfway is gone on from by whoever comes next, though the dead process held the lock', async () => {
    const whole = weightsIn((await convert(PUBLISHED)).out);
    const out = at('killed');
    const child = fileURLToPath(new URL('./convert-child.ts', import.meta.url));
    const { signal } = spawnSync(process.execPath, ['--import', 'tsx', child, PUBLISHED, out, '30'], {
      encoding: 'utf8',
    });
    expect(signal).toBe('SIGKILL');
    expect([existsSync(out), existsSync(`${out}.part.lock`)]).toEqual([false, true]);
    await convertModel(PUBLISHED, out);
    expect(weightsIn(out)).toEqual(whole);
    expect(readdirSync(root).filter((name) => name.startsWith('killed'))).toEqual(['killed']);
  });

  it('is not disturbed by a second one at the same place', async () => {
    const out = at('twice');
    let second: Promise<unknown> | undefined;
    await convertModel(PUBLISHED, out, {
      onEvent: () => {
        second ??= convertModel(PUBLISHED, out, { quantize: 'q8' }).catch((error: Error) => error.message);
      },
    });
    expect(await second).toMatch(/twice is being made by another process already; wait until it has ended/);
    expect(openModel(out).blocks('model.layers.0.mlp.up_proj.weight')?.bits).toBe(4);
  });
});

describe('what is refused, before anything is written', () => {
  const tensors = (change: (all: TinyTensor[]) => TinyTensor[]) => writeTinyModel(at(`odd-${made++}`), change);
  const one = (name: string, change: (tensor: TinyTensor) => TinyTensor[]) =>
    tensors((all) => all.flatMap((tensor) => (tensor.name === name ? change(tensor) : [tensor])));
  const refused = async (input: string, words: RegExp | string, options: ConvertModelOptions = {}) => {
    const before = readdirSync(root).length;
    const refusal = expect.objectContaining({
      name: 'BagpiperError',
      message: expect.stringMatching(words) as string,
    });
    await expect(convertModel(input, at('refused'), options)).rejects.toThrow(refusal);
    expect(readdirSync(root).length).toBe(before);
  };

  it('a tensor that is missing, unknown, misshaped, or of integers', async () => {
    const name = 'model.layers.0.mlp.up_proj.weight';
    await refused(
      await one(name, () => []),
      /odd-\d+ lacks tensor "model\.layers\.0\.mlp\.up_proj\.weight" \[32, 64\]/,
    );
    await refused(
      await one(name, (t) => [t, { ...t, name: 'model.layers.1.mlp.up_proj.weight' }]),
      /holds tensor "model\.layers\.1\.mlp\.up_proj\.weight", which this model does not know; the sizes are those of .*config\.json\.$/,
    );
    await refused(
      await one(name, (t) => [{ ...t, shape: [64, 32] }]),
      /holds tensor "model\.layers\.0\.mlp\.up_proj\.weight" as \[64, 32\]; \[32, 64\] is expected/,
    );
    await refused(
      await one(name, (t) => [{ ...t, dtype: 'F64', data: Float64Array.from(t.data) }]),
      /in F64; F32, F16, BF16 are accepted/,
    );
  });

  it.each(['model.layers.', 'multimodal_io_dict.continuous_audio.', CODEC, 'adaptor.', 'stream_emb.'])(
    'a whole group that is missing: %s',
    async (prefix) => {
      const input = await tensors((all) => all.filter(({ name }) => !name.startsWith(prefix)));
      await refused(input, `lacks tensor "${prefix}`);
    },
  );

  it('weights of other sizes than the published ones without a config.json', async () => {
    const alone = at('alone.pt');
    cpSync(join(PUBLISHED, 'model.pt'), alone);
    await refused(
      alone,
      /holds tensor "model\.embed_tokens.*\[160392, 4096\] is expected.*sizes are the published ones/,
    );
  });

  it.each([['q4'], ['q8']] as const)('what is in %s already', async (quantize) => {
    const { out } = await convert(PUBLISHED, { quantize });
    await refused(out, /is in few bits already; convert the checkpoint that it was made from/);
    const { quantization: _, ...config } = jsonIn(out, 'config.json');
    writeFileSync(join(out, 'config.json'), JSON.stringify(config));
    await refused(out, /is in few bits already/);
  });

  it('a tokenizer that is missing, or of another model', async () => {
    const file = join(PUBLISHED, 'model.pt');
    const config = join(PUBLISHED, 'config.json');
    const bare = at('bare.pt');
    cpSync(file, bare);
    const before = readdirSync(root).length;
    await expect(convertModel(bare, at('refused'), { config })).rejects.toThrow(
      /tokenizer\.json does not exist.*Qwen\/Qwen3-8B-Base.*--no-tokenizer/,
    );
    expect(readdirSync(root).length).toBe(before);
    const large = copyOf('lm');
    const vocab = jsonIn(PUBLISHED, 'tokenizer.json');
    vocab.model.vocab.more = 999;
    writeFileSync(join(large, 'tokenizer.json'), JSON.stringify(vocab));
    await refused(file, /has 1000 tokens but .* has room for 262/, { tokenizer: large });
    const { out } = await convert(bare, { config, tokenizer: false });
    expect(readdirSync(out).sort()).toEqual(['config.json', 'model.safetensors']);
  });

  it('options that there are not, places that are taken, inputs that are none', async () => {
    for (const [options, words] of [
      [{ quantize: 'q3' }, 'quantize is "q3"; accepted are none, q8, q4'],
      [{ block: 48 }, 'block is 48; accepted are 16, 32, 64, 128 and 256'],
      [{ block: 512 }, 'block is 512'],
      [{ headBits: 6 }, 'headBits is 6; accepted are 4 and 8'],
      [{ config: at('none.json') }, 'none.json does not exist'],
    ] as const) {
      await refused(PUBLISHED, words, options as unknown as ConvertModelOptions);
    }
    await expect(convertModel(PUBLISHED, root)).rejects.toThrow(/exists already; choose another folder/);
    await refused(at('nowhere'), 'nowhere does not exist');
    await refused('org/never-pulled', 'no model that was pulled');
    writeFileSync(at('list.json'), '[]');
    await refused(PUBLISHED, /list\.json: expected a JSON object, found a list/, { config: at('list.json') });
  });
});
