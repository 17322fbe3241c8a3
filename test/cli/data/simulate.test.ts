import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Run } from '../../../src/data/run/run.js';
import type { ScriptedEndpoint } from '../../data/scripted-endpoint.js';
import { goodServer, runWith } from '../../data/simulate/runs.js';
import { bagpiper } from '../terminal.js';

let folder: string;
let endpoint: ScriptedEndpoint;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bagpiper-simulate-'));
  endpoint = await goodServer();
  await (await runWith(join(folder, 'run'))).close();
});
afterAll(async () => {
  await endpoint.stop();
  rmSync(folder, { recursive: true });
});

/** Types `bagpiper data ...`. */
const data = (...argv: string[]) => bagpiper(['data', ...argv]);

const server = (): string[] => ['--endpoint', endpoint.address, '--llm-model', 'script'];

describe('bagpiper data simulate and judge', () => {
  it('print a line a stage, with what was set aside and why', async () => {
    const run = join(folder, 'run');
    const made = await data(
      'simulate',
      'generation',
      run,
      ...server(),
      '--thinking-endpoint',
      endpoint.address,
      '--levels',
      'imaginary',
    );
    expect(made).toMatchObject({
      out: 'generation-requests: 4\ngeneration-thinking: 4\ngeneration-dialogues: 4\n',
      err: '',
      code: 0,
    });
    const speech = await data('simulate', 'tts', run, ...server(), '--groups', 'classical,singing');
    expect(speech.out).toContain('tts-voices: 3; set aside: nothing_spoken 1\ntts-requests: 2\n');
    const judged = await data('judge', run, ...server());
    expect(judged.out).toBe(
      'generation-judged: 4\ntts-judged: 2\ngeneration: 3 of 4 judged well (75.0%)\ntts: 2 of 2 judged well (100.0%)\n',
    );
    const json = JSON.parse((await data('judge', run, ...server(), '--json')).out);
    expect(json.summaries.generation.overall_pass_rate).toBe(0.75);
    expect(json.stages['tts-judged'].state).toBe('done');
  });

  it('end with code 1 where records failed', async () => {
    await (await runWith(join(folder, 'failing'))).close();
    endpoint.faults = ({ text }) =>
      text.includes('Steady rain') ? { kind: 'status', status: 400, message: 'too wet' } : undefined;
    const { out, err, code } = await data('simulate', 'understanding', join(folder, 'failing'), ...server());
    endpoint.faults = () => undefined;
    expect(out).toMatch(/^understanding-annotations: 3; failed: \w+ 1\n/);
    expect(err).toContain('understanding-annotations: some records failed');
    expect(code).toBe(1);
    const again = await data('simulate', 'understanding', join(folder, 'failing'), ...server());
    expect(again).toMatchObject({ err: '', code: 0 });
    expect(again.out).toContain('understanding-annotations: 4\n');
  });

  it('show help, and refuse what commander refuses, as all commands do', async () => {
    const help = await data('simulate', '--help');
    expect(help).toMatchObject({ code: 0, err: '' });
    expect(help.out).toContain('--thinking-model <name>');
    expect(await data('judge', 'x')).toMatchObject({ code: 2, out: '' });
    expect((await data('judge', 'x')).complaints).toEqual([
      `bagpiper: required option '--endpoint <url>' not specified; see "bagpiper --help".`,
    ]);
  });

  it.each([
    [['simulate', 'songs', 'RUN'], 'songs is nothing to simulate; accepted are generation, understanding, tts.'],
    [['simulate', 'tts', 'RUN', '--groups', 'opera'], '--groups has "opera"; accepted are classical, general,'],
    [['simulate', 'generation', 'RUN', '--levels', 'both'], '--levels has "both"; accepted are realistic, imaginary,'],
    [
      ['simulate', 'understanding', 'RUN', '--questions', '0'],
      '--questions is 0; a whole number from 1 to 100 is accepted.',
    ],
    [['simulate', 'generation', 'RUN', '--seed', '-1'], '--seed is -1; a whole number'],
    [['simulate', 'generation', 'RUN', '--price-in', '1'], '--price-in and --price-out belong together'],
    [['simulate', 'generation', 'RUN', '--prompts', '/nowhere'], '/nowhere: there is no such folder'],
    [['judge', '/nowhere'], '/nowhere: is no run'],
    [['judge', 'EMPTY'], 'the run has no dialogues; run "bagpiper data simulate" first.'],
  ])('%j: %s', async (argv, message) => {
    const empty = join(folder, 'empty');
    await (await Run.open(empty, { create: true })).close();
    const places = argv.map((word) => word.replace('RUN', join(folder, 'run')).replace('EMPTY', empty));
    const { code, complaints } = await data(...places, ...server());
    expect(code).toBe(2);
    expect(complaints.at(-1)).toContain(message);
  });
});
