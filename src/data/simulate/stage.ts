/** A step of simulation as a stage of a run. */

import { BagpiperError } from '../../errors.js';
import type { ChatClient } from '../llm/types.js';
import type { Keyed, Stage, StageSpec } from '../types.js';
import { type SimulateSettings, stepPlan } from './flow.js';
import { PromptBook } from './prompts.js';
import type { StepContext } from './types.js';

/** What the spec of such a stage holds beside the client's settings. All that a worker elsewhere needs, prompts included. */
export interface SimulateStageSettings extends SimulateSettings {
  /** texts of the prompt files that the step uses, by name without the ending */
  prompts: Record<string, string>;
}

/** A client for steps that ask nobody. */
const NOBODY: ChatClient = {
  model: '',
  chat: () => Promise.reject(new BagpiperError('This stage asks no language model.')),
  close: () => Promise.resolve(),
};

/**
 * @param client asked by the step, closed with the stage; undefined for steps that ask nobody
 * @throws BagpiperError when the spec names no step of simulation
 */
export function simulateStage(spec: StageSpec, client: ChatClient = NOBODY): Stage<Keyed, Keyed> {
  const plan = stepPlan(spec.stage);
  if (!plan) throw new BagpiperError(`${spec.stage} is no stage of simulation.`);
  const settings = spec.settings as unknown as SimulateStageSettings;
  const prompts = new PromptBook(undefined, settings.prompts);
  const step = plan.make({ client, prompts, seed: settings.seed }, settings);
  return {
    spec,
    process: (input, context: StepContext) => step(input, context),
    close: () => client.close(),
  };
}

/** The prompts of a step as its settings hold them. */
export function promptsOf(stage: string, book: PromptBook): Record<string, string> {
  return Object.fromEntries((stepPlan(stage)?.prompts ?? []).map((name) => [name, book.text(name)]));
}
