import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { checkpointBytes, checkpointTensors } from '../../bench/full-size/checkpoint.js';
import { ggufBytesRead } from '../../bench/full-size/gguf.js';
import { findLlama } from '../../bench/full-size/llama.js';
import { scaleOf } from '../../bench/full-size/scale.js';

const dir = mkdtempSync(join(tmpdir(), 'full-size-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

function bench(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ['--import', 'tsx', join(ROOT, 'bench/main.ts'), 'full-size', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
}

describe('the checkpoint of the full-size benchmark', () => {
  const scale = scaleOf(false);
  const tensors = checkpointTensors(scale);

  it('has the tensors of the published one, group by group', () => {
    const groups = [
      /^model\.layers\./,
      /^multimodal_io_dict\.continuous_audio\.model\.audio_tower\./,
      /^multimodal_io_dict\.discrete_audio\.codec_model\./,
      /^adaptor\.continuous_audio\./,
      /^(model\.embed_tokens|model\.norm|lm_head|stream_emb)\./,
      /^vocab_weight$/,
    ];
    const counts = groups.map((group) => tensors.filter(({ name }) => group.test(name)).length);
    expect(counts).toEqual([396, 525, 454, 2, 4, 1]);
    expect(new Set(tensors.map(({ name }) => name)).size).toBe(1382);
  });

  it('is as large as the published one, and no two layers are alike', () => {
    expect(checkpointBytes(scale) / 1e9).toBeCloseTo(18.2, 0);
    const [first, second] = [0, 1].map((i) => {
      const tensor = tensors.find(({ name }) => name === `model.layers.${i}.mlp.up_proj.weight`)!;
      const [piece] = tensor.pieces();
      return Buffer.from(piece.subarray(0, 64));
    });
    expect(first.equals(second)).toBe(false);
  });

  it('stands beside a GGUF file whose tokens read 18 bytes for 32 weights', () => {
    const { layers, hidden, intermediate, heads, kvHeads, headDim, vocabulary } = scale.gguf;
    const layer = hidden * headDim * (2 * heads + 2 * kvHeads) + 3 * hidden * intermediate;
    const norms = 4 * (layers * (2 * hidden + 2 * headDim) + hidden);
    expect(ggufBytesRead(scale.gguf)).toBe(((layers * layer + hidden * vocabulary) * 18) / 32 + norms);
  });
});

describe('the full-size benchmark', () => {
  it('says what is missing or wrong', () => {
    expect(bench().stderr).toMatch(/--dir/);
    expect(() => findLlama(dir)).toThrow(/npm install node-llama-cpp/);
  });
});
