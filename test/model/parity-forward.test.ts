import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkForward } from '../../src/model/parity-forward.js';
import type { ParityLine } from '../../src/model/parity-lines.js';
import { ReferenceNetworks } from '../../src/model/parity-networks.js';
import { copyOf, failures, patchJson, patchTensor, reference } from './parity-kit.js';

async function check(folder: string): Promise<ParityLine[]> {
  const networks = await ReferenceNetworks.open(folder, 1);
  try {
    return await checkForward(folder, networks);
  } finally {
    await networks.release();
  }
}

describe('checkForward', () => {
  it('finds the language model equal to the upstream one, case by case', async () => {
    const lines = await check(reference('lm'));
    expect(failures(lines)).toEqual([]);
    expect(new Set(lines.map(({ name }) => name.replace(/^.*?\./, '')))).toEqual(
      new Set([
        ...['ids', 'loss_mask', 'position_ids', 'feature_embeds.0', 'input_embeds', 'last_hidden', 'logits'],
        ...['layer_output.0', 'layer_output.1', 'layer_output.2', 'token_ce', 'token_loss', 'loss'],
        ...['loss_numerator', 'loss_denominator', 'scored_entries'],
      ]),
    );
  });

  it('sees a changed weight in everything after it, and nothing before', async () => {
    const folder = copyOf('lm');
    patchTensor(join(folder, 'model.safetensors'), 'model.layers.1.mlp.up_proj.weight', 0, (x) => x + 1);
    const failed = failures(await check(folder)).filter((name) => name.startsWith('forward/tts.'));
    const after = ['layer_output.1', 'layer_output.2', 'last_hidden', 'logits', 'token_ce', 'token_loss'];
    expect(failed).toEqual(expect.arrayContaining(after.map((name) => `forward/tts.${name}`)));
    expect(failed).not.toContain('forward/tts.layer_output.0');
  });

  it('sees single changed values with their size', async () => {
    const folder = copyOf('lm');
    const file = join(folder, 'forward.safetensors');
    patchTensor(file, 'tts.layer_output.0', 70, (x) => x + 0.25);
    patchTensor(file, 'dialogue.logits', 5, () => Number.NaN);
    patchTensor(file, 'audio_in.ids', 8, (id) => id + 1);
    patchJson<{ cases: { packed: { loss: number } } }>(join(folder, 'forward.json'), ({ cases }) => {
      cases.packed.loss += 0.001;
    });
    const lines = await check(folder);
    expect(failures(lines)).toEqual(
      expect.arrayContaining(['forward/tts.layer_output.0', 'forward/dialogue.logits', 'forward/packed.loss']),
    );
    const error = (name: string) => lines.find((line) => line.name === `forward/${name}`)?.error;
    expect(error('tts.layer_output.0')).toBeCloseTo(0.25, 4);
    expect(error('dialogue.logits')).toBeNaN();
    expect(error('audio_in.ids')).toBe(1);
    expect(error('packed.loss')).toBeCloseTo(0.001, 4);
  });

  it.each<[string, (json: { cases: Record<string, Record<string, unknown>> }) => void, RegExp]>([
    ['no cases', (json) => Object.assign(json, { cases: {} }), /forward\.json holds no "cases"/],
    ['an unknown sequence', ({ cases }) => Object.assign(cases.tts, { sequence: 'x' }), /names the sequence .*"x"/],
    ['a wrong length', ({ cases }) => Object.assign(cases.tts, { length: 9 }), /"tts\.ids" as \[25, 8\]; \[9, 8\] is/],
    ['a tensor that is not there', (json) => Object.assign(json.cases, { x: json.cases.tts }), /no tensor "x\.ids"/],
    ['no positions', ({ cases }) => delete cases.tts.logits_positions, /the case "tts" cannot be checked: /],
  ])('refuses a reference file with %s', async (_, change, message) => {
    const folder = copyOf('lm');
    patchJson(join(folder, 'forward.json'), change);
    await expect(check(folder)).rejects.toThrow(
      expect.objectContaining({ name: 'BagpiperError', message: expect.stringMatching(message) as string }),
    );
  });
});
