import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeWav } from '../../src/audio/index.js';
import type { Engine, EngineEvent } from '../../src/engine/types.js';
import { openModel } from '../../src/model/bagpiper.js';
import { judge } from '../../src/model/index.js';
import { convertModel, loadBagpiper, verbsOf } from '../../src/tasks/index.js';
import { bagpiper as command } from '../cli/terminal.js';
import { writeTinyModel } from '../tiny-model.js';
import { writeTinyWorld } from '../tiny-world.js';
import { FakeEngine } from './fake-engine.js';

const root = mkdtempSync(join(tmpdir(), 'novelty-'));
const [strange, usual, plain] = ['strange', 'usual', 'plain'].map((name) => join(root, name));
const SOUND = Float32Array.from({ length: 8000 }, (_, i) => 0.5 * Math.sin(i / 5));

beforeAll(async () => {
  for (const folder of [strange, usual, plain]) await writeTinyModel(folder);
  // The same statistics: every sound is above the one threshold and below the other.
  writeTinyWorld(strange, -100);
  writeTinyWorld(usual, 100);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a model that knows its world', () => {
  it('says of a foreign sound that caption and answer are guesses, and of its own nothing', async () => {
    const [foreign, own] = await Promise.all([strange, usual].map((folder) => loadBagpiper(folder, { threads: 1 })));
    const heard = await foreign.describe(SOUND);
    expect(heard.novelty).toMatchObject({ threshold: -100, foreign: true });
    expect(heard.warnings).toEqual([
      expect.stringMatching(
        /^This sound is unlike what the model was trained on \(novelty -?\d+\.\d\d, usual up to -100\.00\): take the caption as a guess\.$/,
      ),
    ]);
    expect((await foreign.ask(SOUND, 'What is it?')).warnings).toEqual([
      expect.stringContaining('take the answer as a guess'),
    ]);
    const known = await own.describe(SOUND);
    expect(known).toMatchObject({
      novelty: { score: heard.novelty!.score, threshold: 100, foreign: false },
      warnings: [],
    });
    await Promise.all([foreign.close(), own.close()]);
  });

  it('judges no request that has no sound', async () => {
    const bagpiper = await loadBagpiper(strange, { threads: 1 });
    expect(await bagpiper.render('A bell.')).not.toHaveProperty('novelty');
    await bagpiper.close();
  });

  it('takes the median of the windows of a long sound', async () => {
    const bagpiper = verbsOf(new Judging([3, 0, 2]));
    const { novelty, warnings } = await bagpiper.describe(new Float32Array(16000 * 70).fill(0.1));
    expect(novelty).toEqual({ score: 2, threshold: 1, foreign: true });
    expect(warnings.filter((text) => text.includes('unlike'))).toHaveLength(1);
  });

  it('warns on stderr and says it in JSON', async () => {
    const stdin = encodeWav(SOUND, 16000);
    const text = await command(['describe', '-', '-m', strange], { stdin });
    expect(text.err).toMatch(/^warning: This sound is unlike what the model was trained on .*\n$/);
    const { out } = await command(['ask', '-', 'What?', '-m', strange, '--json', '-q'], { stdin });
    expect(JSON.parse(out)).toMatchObject({ novelty: { threshold: -100, foreign: true } });
    const other = await command(['describe', '-', '-m', plain, '--json'], { stdin });
    expect(JSON.parse(other.out)).not.toHaveProperty('novelty');
    expect(other.err).toBe('');
  });

  it('keeps its statistics in few bits, and they fit', async () => {
    const out = join(root, 'q8');
    await convertModel(strange, out, { quantize: 'q8', block: 16 });
    expect(openModel(out).world?.threshold).toBe(-100);
    await convertModel(plain, join(root, 'plain-q8'), { quantize: 'q8', block: 16 });
    expect(existsSync(join(root, 'plain-q8', 'world.safetensors'))).toBe(false);
  });
});

/** Answers as a {@link FakeEngine}, with a judgement of each sound in turn. */
class Judging implements Engine {
  private readonly engine = new FakeEngine([{ text: ['A bell.'] }]);
  readonly info = this.engine.info;
  private asked = 0;

  constructor(private readonly scores: readonly number[]) {}

  async *generate(request: Parameters<Engine['generate']>[0]): AsyncGenerator<EngineEvent, void, void> {
    for await (const event of this.engine.generate(request)) {
      yield event.type === 'end' ? { ...event, novelty: judge(this.scores[this.asked++], 1) } : event;
    }
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}
