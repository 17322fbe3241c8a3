/** Simulation in a run's folder: files, resuming, refusals, summaries. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attempt } from '../../../src/data/run/executor.js';
import { Run } from '../../../src/data/run/run.js';
import { FLOWS } from '../../../src/data/simulate/flow.js';
import { PromptBook } from '../../../src/data/simulate/prompts.js';
import { judge, type SimulateOptions, simulate } from '../../../src/data/simulate/simulate.js';
import { specOf } from '../../../src/data/simulate/stage.js';
import { exampleId } from '../../../src/data/simulate/types.js';
import { openStage } from '../../../src/data/stages.js';
import type { Line } from '../../../src/data/types.js';
import type { ScriptedEndpoint } from '../scripted-endpoint.js';
import { goodServer, runWith } from './runs.js';

let folder: string;
let endpoint: ScriptedEndpoint;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'simulate-'));
  endpoint = await goodServer();
});
afterAll(async () => {
  await endpoint.stop();
  rmSync(folder, { recursive: true });
});

function options(more: Partial<SimulateOptions> = {}): SimulateOptions {
  return {
    settings: { seed: 1, system: 'Make it.' },
    chat: { requests: { endpoints: endpoint.address, model: 'script', retry: { times: 0 } } },
    window: 4,
    ...more,
  };
}

const idsIn = (run: Run, stage: string): string[] =>
  readFileSync(run.file(stage), 'utf8')
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as Line).id);
const bytesOf = (run: Run): Record<string, string> =>
  Object.fromEntries(
    readdirSync(run.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.jsonl$|\.md$|summary|filter_/.test(entry.name))
      .map((entry) => [
        join(entry.parentPath, entry.name).slice(run.folder.length),
        readFileSync(join(entry.parentPath, entry.name), 'utf8'),
      ]),
  );

describe('a run', () => {
  it('goes through all variants and judging, asks nothing twice, and sums up', async () => {
    const run = await runWith(join(folder, 'whole'));
    const made = await simulate(run, 'generation', options());
    expect(Object.entries(made).map(([stage, { state, counts }]) => [stage, state, counts.results])).toEqual([
      ['generation-requests', 'done', 4],
      ['generation-thinking', 'done', 8],
      ['generation-dialogues', 'done', 8],
    ]);
    expect(made['generation-requests']!.usage.total_tokens).toBeGreaterThan(0);
    await simulate(run, 'understanding', options());
    await simulate(run, 'tts', options());
    const { summaries } = await judge(run, options());
    expect(idsIn(run, 'generation-judged')).toEqual(idsIn(run, 'generation-dialogues'));
    expect(idsIn(run, 'generation-requests')).toEqual(['train', 'clips_cat', 'river', 'rain']);
    expect(idsIn(run, 'understanding-judged')).toHaveLength(8);
    expect(summaries.generation).toMatchObject({ total_samples: 8, passed_samples: 7, overall_pass_rate: 0.875 });
    const filter = JSON.parse(readFileSync(join(run.folder, 'summaries/generation/filter_imaginary.json'), 'utf8'));
    expect(filter).toMatchObject({
      total_input: 4,
      total_passed: 3,
      // All scores are 2: allowed for this level one by one, too low together.
      rejection_breakdown: { by_min_score: 0, by_avg_score: 1, by_dimension: {} },
    });
    expect(readdirSync(join(run.folder, 'prompts/simulate'))).toContain('generation-thinking.md');

    const before = bytesOf(run);
    const asked = endpoint.asked.length;
    for (const variant of ['generation', 'understanding', 'tts'] as const) await simulate(run, variant, options());
    await judge(run, options());
    expect(endpoint.asked.length).toBe(asked);
    expect(bytesOf(run)).toEqual(before);
    await run.close();
  });

  it('that was stopped goes on and leaves the same bytes', async () => {
    const whole = await runWith(join(folder, 'straight'));
    await simulate(whole, 'generation', options());
    const broken = await runWith(join(folder, 'broken'));
    for (let stops = 0, after = 2; ; stops++, after += 3) {
      const stop = new AbortController();
      const from = endpoint.answered;
      const watch = endpoint
        .until(({ answered }) => answered >= from + after)
        .then(() => stop.abort(new Error('stopped')));
      try {
        await simulate(broken, 'generation', options({ signal: stop.signal }));
        expect(stops).toBeGreaterThan(0);
        break;
      } catch (error) {
        expect(String(error)).toContain('stopped');
      }
      await watch;
    }
    expect(bytesOf(broken)).toEqual(bytesOf(whole));
    await whole.close();
    await broken.close();
  });

  it('takes what the filter kept, and so many clips as asked for', async () => {
    const filtered = await runWith(join(folder, 'filtered'), true);
    await simulate(filtered, 'generation', options());
    expect(idsIn(filtered, 'generation-requests')).toEqual(['rain']);
    await filtered.close();
    const few = await runWith(join(folder, 'few'));
    const settings = { seed: 1, system: '', levels: ['imaginary' as const] };
    await simulate(few, 'generation', options({ limit: 2, settings }));
    expect(idsIn(few, 'generation-dialogues')).toEqual(['clips_train_imaginary', 'clips_cat_imaginary']);
    await few.close();
  });

  it('is not gone on with otherwise than it was begun', async () => {
    const run = await runWith(join(folder, 'settings'));
    await simulate(run, 'generation', options({ limit: 1 }));
    await expect(simulate(run, 'generation', options({ settings: { seed: 2, system: 'Make it.' } }))).rejects.toThrow(
      /generation-requests.jsonl was begun with seed 1, now it is 2/,
    );
    const own = join(folder, 'own');
    const { mkdirSync } = await import('node:fs');
    mkdirSync(own);
    writeFileSync(join(own, 'generation-persona.md'), '# User\n{{caption}} {{personas}}');
    await expect(simulate(run, 'generation', options({ prompts: own }))).rejects.toThrow(
      'simulate/generation-persona.md',
    );
    await run.close();
  });

  it('without clips or dialogues says what to do first', async () => {
    const run = await Run.open(join(folder, 'empty'), { create: true });
    await expect(simulate(run, 'tts', options())).rejects.toThrow('run "bagpiper data label" first.');
    await expect(judge(run, options())).rejects.toThrow('run "bagpiper data simulate" first.');
    await run.close();
  });
});

describe('ids of examples', () => {
  it.each([
    ['a', 'fma', 'fma_a_realistic'],
    ['fma_12', 'fma', 'fma_12_realistic'],
    ['12', 'My set: one', 'My-set-one_12_realistic'],
    ['12', '', '12_realistic'],
  ])('%s of %s: %s', (id, dataset, is) => expect(exampleId({ id, dataset }, 'realistic')).toBe(is));

  it('stay short and apart', () => {
    const long = (end: string) => exampleId({ id: `${'x'.repeat(198)}${end}`, dataset: 'set' }, 'realistic');
    expect(long('a')).toHaveLength(200);
    expect(long('a')).not.toBe(long('b'));
  });
});

it('has all steps that ask a model in the table of stages, for workers', async () => {
  const asking = Object.values(FLOWS)
    .flat()
    .filter(({ asks }) => asks !== null);
  const book = new PromptBook();
  for (const plan of asking) {
    const spec = specOf(plan, options().settings, book, options().chat.requests);
    const stage = await openStage(JSON.parse(JSON.stringify(spec)));
    expect(stage.spec).toEqual(spec);
    await stage.close();
  }
  expect(asking).toHaveLength(11);
});

it('hands over to an executor what asks a model, and does the rest here', async () => {
  const run = await runWith(join(folder, 'handed'));
  const handed: string[] = [];
  const made = await simulate(
    run,
    'generation',
    options({
      executor: (spec) => {
        handed.push(spec.stage);
        return {
          async execute(input, signal) {
            const stage = await openStage(spec);
            try {
              return await attempt(stage, input, signal);
            } finally {
              await stage.close();
            }
          },
        };
      },
    }),
  );
  expect(handed).toEqual(['generation-requests', 'generation-thinking']);
  expect(made['generation-dialogues']!.counts.results).toBe(8);
  await run.close();
});
