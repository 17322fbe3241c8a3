/** A step of simulation as a stage of a run, made from its spec alone: so workers can make it too. */
import { BagpiperError } from '../../errors.js';
import type { ChatExtras, ChatSettings } from '../llm/options.js';
import type { ChatClient } from '../llm/types.js';
import type { JsonObject, Keyed, Stage, StageSpec } from '../types.js';
import { type SimulateSettings, type StepPlan, stepPlan } from './flow.js';
import { PromptBook } from './prompts.js';

/** What the spec of such a stage holds. */
export interface SimulateStageSettings extends SimulateSettings {
  /** the language model; none for steps that ask nobody */
  chat?: ChatSettings;
  /** texts of the prompt files that the step uses, by name without the ending */
  prompts: Record<string, string>;
}

/** A client for steps that ask nobody. */
const NOBODY: ChatClient = {
  model: '',
  chat: () => Promise.reject(new BagpiperError('This stage asks no language model.')),
  close: () => Promise.resolve(),
};

/** Everything that makes a step what it is, to be kept in the manifest and sent to workers. */
export function specOf(plan: StepPlan, settings: SimulateSettings, book: PromptBook, chat?: ChatSettings): StageSpec {
  const prompts = Object.fromEntries(plan.prompts.map((name) => [name, book.text(name)]));
  const whole: SimulateStageSettings = { ...settings, prompts, ...(plan.asks && chat && { chat }) };
  return { stage: plan.stage, settings: JSON.parse(JSON.stringify(whole)) as JsonObject };
}

/** Opens a stage and its language model. @throws BagpiperError as openChat, and for a spec of no step of simulation */
export async function openSimulateStage(spec: StageSpec, extras: ChatExtras = {}): Promise<Stage<Keyed, Keyed>> {
  const { chat } = settingsOf(spec);
  if (!chat) return simulateStage(spec);
  const { openChat } = await import('../llm/index.js');
  return simulateStage(spec, await openChat(chat, extras));
}

/**
 * @param client asked by the step, closed with the stage
 * @throws BagpiperError when the spec names no step of simulation
 */
export function simulateStage(spec: StageSpec, client: ChatClient = NOBODY): Stage<Keyed, Keyed> {
  const plan = stepPlan(spec.stage);
  if (!plan) throw new BagpiperError(`${spec.stage} is no stage of simulation.`);
  const settings = settingsOf(spec);
  const tools = { client, prompts: new PromptBook(undefined, settings.prompts), seed: settings.seed };
  const step = plan.make(tools, settings);
  return { spec, process: (input, context) => step(input, context), close: () => client.close() };
}

function settingsOf({ settings }: StageSpec): SimulateStageSettings {
  return settings as unknown as SimulateStageSettings;
}
