import { describe, expect, it } from 'vitest';
import { EXPERIMENTS, planRuns, planText, type Run, settingsOf, type TrainingRun } from '../../experiments/plan.js';
import { decoderNumbers, SIZES } from '../../experiments/sizes.js';

const options = { seeds: 3, minutes: 2 };
const all = planRuns(EXPERIMENTS, options);
const trainings = (runs: readonly Run[]): TrainingRun[] =>
  runs.filter((run): run is TrainingRun => run.kind === 'training');
const steps = (run: TrainingRun): number => run.stages.reduce((sum, { schedule }) => sum + schedule.steps, 0);

describe('planRuns', () => {
  it('names every run once, after the one that it starts from', () => {
    const ids = all.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { id, from } of trainings(all)) {
      if (from !== undefined) expect(ids.indexOf(from), id).toBeLessThan(ids.indexOf(id));
    }
  });

  it.each(EXPERIMENTS)('is whole for %s alone, with the same runs as in all', (name) => {
    const runs = planRuns([name], options);
    const ids = new Set(runs.map(({ id }) => id));
    expect(trainings(runs).every(({ from }) => from === undefined || ids.has(from))).toBe(true);
    const settings = new Map(all.map((run) => [run.id, settingsOf(run)]));
    for (const run of runs) expect(settingsOf(run)).toEqual(settings.get(run.id));
    expect(new Set(runs.filter(({ id }) => id !== 'reference').map(({ seed }) => seed))).toEqual(new Set([1, 2, 3]));
  });

  it('gives the arms of a comparison equal steps', () => {
    const ofSeed = trainings(all).filter(({ seed, id }) => seed === 1 && !id.startsWith('scaling'));
    for (const kind of ['pretrain', 'tune']) {
      const counts = ofSeed.filter(({ id }) => id.startsWith(kind)).map(steps);
      expect(counts.length).toBe(5);
      expect(new Set(counts).size).toBe(1);
    }
  });

  it('turns minutes into steps, but not seeds', () => {
    const longer = trainings(planRuns(EXPERIMENTS, { seeds: 1, minutes: 4 }));
    const pretrain = (runs: readonly TrainingRun[]) => runs.find(({ id }) => id === 'pretrain-both-seed1')!;
    expect(steps(pretrain(longer))).toBe(2 * steps(pretrain(trainings(all))));
  });

  it('takes about two hours, and says what is left', () => {
    const minutes = all.reduce((sum, run) => sum + run.minutes, 0);
    expect(minutes).toBeGreaterThan(90);
    expect(minutes).toBeLessThan(180);
    const [head, , first] = planText(all, ({ id }) => id === 'reference').split('\n');
    expect(head).toMatch(/run.*minutes/);
    expect(first).toMatch(/reference.*done/);
    expect(planText([], () => true)).toMatch(/0 minutes are left/);
  });
});

describe('sizes', () => {
  it('are about 0.4, 1.3 and 4.4 million numbers', () => {
    const millions = Object.values(SIZES).map((fields) => decoderNumbers(fields) / 1e6);
    expect(millions.map((x) => x.toFixed(1))).toEqual(['0.4', '1.3', '4.4']);
  });
});
