import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodeWav } from '../../../src/audio/index.js';
import { addFilter } from '../../../src/cli/data/filter-command.js';
import { Screen } from '../../../src/cli/screen.js';
import { manifestOf, Run } from '../../../src/data/run/index.js';
import { captionFile, goodLabel, realLabels } from '../../data/filter/captions.js';
import { type AskedChat, ScriptedEndpoint } from '../../data/scripted-endpoint.js';
import { Recorder } from '../terminal.js';

let folder: string;
let endpoint: ScriptedEndpoint | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-filter-'));
});
afterEach(async () => {
  await endpoint?.stop();
  endpoint = undefined;
  rmSync(folder, { recursive: true });
});

const path = (...parts: string[]): string => join(folder, ...parts);

/** Types `data filter ...`, as the command line reads it. */
async function filter(...argv: string[]): Promise<{ out: string; err: string; code: number }> {
  const [stdout, stderr] = [new Recorder(), new Recorder()];
  const io = { stdin: Object.assign(new PassThrough(), { isTTY: true }), stdout, stderr, env: {} };
  const screen = new Screen(io, {});
  let code = 0;
  const fail = (exit: number): void => {
    code = Math.max(code, exit);
  };
  const command = new Command('data').exitOverride();
  addFilter(command, (work) => work({ io, screen, signal: new AbortController().signal, version: '0', fail }));
  await command.parseAsync(['filter', ...argv], { from: 'user' });
  return { out: stdout.text, err: stderr.text, code };
}

/** A run with clips of one second of silence and captions that differ. */
async function runOf(ids: readonly string[]): Promise<string> {
  const run = await Run.open(path('run'), { create: true });
  writeFileSync(path('silence.wav'), encodeWav(new Float32Array(16000), 16000));
  const line = (result: { id: string }): string => `${JSON.stringify({ id: result.id, result })}\n`;
  const clip = (id: string) => ({ id, audio: { uri: path('silence.wav') }, seconds: 10, dataset: 'd' });
  const label = (id: string) => {
    const { utt_id: _, ...rest } = goodLabel(id);
    return { id, ...rest, caption: `Number ${id}. ${rest.caption}`, model: 'm' };
  };
  writeFileSync(run.file('clips'), ids.map((id) => line(clip(id))).join(''));
  writeFileSync(run.file('label'), ids.map((id) => line(label(id))).join(''));
  await run.update('label', { ...run.entry('label'), state: 'done' });
  await run.close();
  return path('run');
}

describe('bagpiper data filter on label files', () => {
  it('prints each reason with its count and an example, and what is kept', async () => {
    const { out } = await filter(captionFile('generation'), '--out', path('out'));
    expect(out).toBe(
      `surface  duration_high  1  ${realLabels()[3].utt_id}: Its clip lasts 30.04 s; 2 to 30 s are let pass.\nkept 5 of 6 (83.3%), 0.01 hours\n`,
    );
  });

  it('leaves alone what an earlier call has finished, until labels or limits are others', async () => {
    const labels = path('labels.jsonl');
    const write = (count: number): void => {
      const lines = readFileSync(captionFile('generation'), 'utf8').trim().split('\n');
      writeFileSync(labels, `${lines.slice(0, count).join('\n')}\n`);
    };
    write(6);
    const first = await filter(labels, '--out', path('out'));
    expect(first.err).not.toContain('finished');
    // What is not written anew stays as it is.
    writeFileSync(path('out', 'filter', 'kept_utt_ids.txt'), 'mine\n');
    const mine = (): boolean => readFileSync(path('out', 'filter', 'kept_utt_ids.txt'), 'utf8') === 'mine\n';
    const second = await filter(labels, '--out', path('out'));
    expect(second.out).toBe(first.out);
    expect(second.err).toBe(
      `${path('out')}: an earlier call finished this with the same labels and settings; --again filters anew.\n`,
    );
    expect(mine()).toBe(true);
    expect((await filter(labels, '--out', path('out'), '--again')).out).toBe(first.out);
    expect(mine()).toBe(false);
    expect((await filter(labels, '--out', path('out'), '--duration', '2:31')).out).toContain('kept 6 of 6');
    write(5);
    expect((await filter(labels, '--out', path('out'), '--duration', '2:31')).out).toContain('kept 5 of 5');
    rmSync(path('out', 'filter.jsonl'));
    expect((await filter(labels, '--out', path('out'), '--duration', '2:31')).err).not.toContain('finished');
    expect(readFileSync(path('out', 'filter.jsonl'), 'utf8').trim().split('\n')).toHaveLength(5);
  });

  it('takes limits from flags and from a file, flags last', async () => {
    writeFileSync(path('limits.json'), JSON.stringify({ surface: { duration: { max: 31 }, tokens: { max: 100 } } }));
    const args = [captionFile('generation'), '-o', path('out'), '--config', path('limits.json'), '--json'];
    expect(JSON.parse((await filter(...args)).out).deleted_by_reason).toEqual({ tokens_high: 6 });
    expect(JSON.parse((await filter(...args, '--tokens', '200:800')).out).survived).toBe(6);
  });

  it.each([
    [['--tokens', '800'], '--tokens is "800"; two numbers'],
    [['--duration', '30:2'], '--duration is "30:2"'],
    [['--similarity', '2'], '--similarity is 2; 0 to 1'],
    [['--for', 'speech'], '--for is "speech"'],
    [['--require', 'mos'], '--require is "mos"'],
    [['--require', 'mos=3'], 'There is no field "mos"'],
    [['--mos', 'nowhere.jsonl'], 'nowhere.jsonl does not exist'],
    [['--endpoint', 'http://localhost:1/v1'], 'Judging by a model needs a run'],
  ])('refuses %j', async (flags, message) => {
    await expect(filter(captionFile('generation'), '--out', path('out'), ...flags)).rejects.toThrow(message);
  });

  it('asks for --out', async () => {
    await expect(filter(captionFile('generation'))).rejects.toThrow('name a folder to write to with --out');
  });
});

describe('bagpiper data filter on a run', () => {
  const judgement = { audio_type: 'music', is_audio_focused: true, intelligibility_score: 4, complexity_score: 3 };
  const idIn = ({ text }: AskedChat): string => /Number (\w+)\./.exec(text)![1];

  it('works without a judge and tells the manifest', async () => {
    const run = await runOf(['a', 'b']);
    expect((await filter(run)).out).toBe('kept 2 of 2 (100.0%), 0.01 hours\n');
    expect(readFileSync(join(run, 'filter.jsonl'), 'utf8')).toBe(readFileSync(join(run, 'label.jsonl'), 'utf8'));
    expect(manifestOf(run).stages.filter).toMatchObject({
      state: 'done',
      counts: { results: 2, aside: {}, errors: {} },
    });
    await expect(filter(path('run', 'filter'))).rejects.toThrow('is no run');
  });

  it('asks a judge that reads and one that hears, repairs a bad reply once, and asks no second time', async () => {
    const run = await runOf(['a', 'b', 'c', 'd']);
    endpoint = await ScriptedEndpoint.start({
      models: ['judge'],
      script: (asked) => {
        const id = idIn(asked);
        if (asked.sounds.length > 0) return JSON.stringify({ agreement: id === 'c' ? 2 : 5, invented: [], missed: [] });
        if (id === 'a' && !asked.text.includes('cannot be used')) return '{"audio_type": "noise"}';
        return JSON.stringify({ ...judgement, is_pure_english: id !== 'b', diversity_score: 2 });
      },
    });
    const args = [run, '--endpoint', endpoint.address, '--hear', '--no-top-k', '--json'];
    expect(JSON.parse((await filter(...args)).out)).toMatchObject({
      survived: 2,
      deleted_by_reason: { is_pure_english: 1, audio_disagrees: 1 },
      survived_by_kind: { music: 2 },
    });
    const heard = endpoint.asked.filter(({ sounds }) => sounds.length > 0);
    expect(heard).toHaveLength(4);
    expect(heard[0].sounds[0]).toMatchObject({ format: 'wav', bytes: { length: 44 + 32000 } });
    expect(endpoint.asked).toHaveLength(4 + 4 + 1);
    const first = readFileSync(join(run, 'filter.jsonl'));
    expect((await filter(...args)).err).toContain('an earlier call finished this');
    expect((await filter(...args, '--again')).err).not.toContain('finished');
    expect(endpoint.asked).toHaveLength(9);
    expect(readFileSync(join(run, 'filter.jsonl'))).toEqual(first);
    // Other limits lose no judgement.
    expect(JSON.parse((await filter(...args, '--tokens', '500:800')).out).survived).toBe(0);
    await filter(...args);
    expect(endpoint.asked).toHaveLength(9);
    expect(readFileSync(join(run, 'filter.jsonl'))).toEqual(first);
  });

  it('says when captions could not be judged, and asks for them again', async () => {
    const run = await runOf(['a', 'b']);
    endpoint = await ScriptedEndpoint.start({
      models: ['judge'],
      script: () => JSON.stringify({ ...judgement, is_pure_english: true, diversity_score: 2 }),
      faults: (asked) => (idIn(asked) === 'b' ? { kind: 'status', status: 400, message: 'too odd' } : undefined),
    });
    const args = [run, '--endpoint', endpoint.address, '--no-top-k'];
    const { out, err, code } = await filter(...args);
    expect(out).toContain('no_judge  1  b: The file of judge does not name it.');
    expect(err).toContain('judge-captions: 1 captions could not be judged');
    expect(code).toBe(1);
    endpoint.faults = () => undefined;
    expect((await filter(...args)).out).toBe('kept 2 of 2 (100.0%), 0.01 hours\n');
  });
});
