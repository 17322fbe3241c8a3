/**
 * The variants as lists of steps: what each is called, what it starts from, which prompts it uses, and how a result of the step
 * before becomes its inputs. Names are those of the run's stages. Keys are explicit: steps up to `voices`, `requests` or
 * `questions` are keyed by the clip, later ones by the example (dataset_idx_part).
 */
import type { Dialogue, Keyed } from '../types.js';
import { type Annotated, annotationStep } from './annotation.js';
import { answersStep, type Understood } from './answers.js';
import { judgeStep } from './judge.js';
import { eachQuestion, type Questions, questionsStep } from './questions.js';
import { generationRecord, speechRecord, understandingRecord } from './records.js';
import { LEVELS, type Level, levelRequests, type Requests, requestsStep } from './requests.js';
import { type Thinking, thinkingStep } from './thinking.js';
import { GROUPS, type Group } from './tts-groups.js';
import { planStep, type Spoken } from './tts-plan.js';
import { groupRules, type SpeechRequested, speechRequestsStep } from './tts-requests.js';
import { groupSources, type Voices, voicesStep } from './tts-voices.js';
import type { Source, Step, Tools } from './types.js';

export const VARIANTS = ['generation', 'understanding', 'tts'] as const;
export type Variant = (typeof VARIANTS)[number];

/** Questions a clip. */
const QUESTIONS = 2;

/** What can be chosen beside models and prompts. */
export interface SimulateSettings {
  seed: number;
  /** generation: which requests go on; default both */
  levels?: Level[];
  /** generation: the system turn of every record; '' for none */
  system: string;
  /** understanding: questions a clip; default 2 */
  questions?: number;
  /** tts: groups to make; default all. Of those that suit a clip one is drawn, or all are made */
  groups?: Group[];
  everyGroup?: boolean;
}

/** A step as the runner needs it. */
export interface StepPlan {
  /** name of the stage and of its file */
  stage: string;
  /** the stage whose results it takes; null for clips with captions */
  from: string | null;
  /** which model it asks: steps of one kind may have a model of their own; null asks none */
  asks: 'requests' | 'thinking' | 'judge' | null;
  /** prompt files that it uses */
  prompts: readonly string[];
  /** settings that its results depend on */
  keys: readonly (keyof SimulateSettings)[];
  /** how many inputs a result of `from` gives; undefined where it depends on the result. Default one */
  factor?: (settings: SimulateSettings) => number | undefined;
  /** the inputs that one result of `from` gives */
  inputs: (result: Keyed, settings: SimulateSettings) => Keyed[];
  make: (tools: Tools, settings: SimulateSettings) => Step<Keyed, Keyed>;
}

interface Typed<P extends Keyed, I extends Keyed, O extends Keyed> extends Omit<StepPlan, 'inputs' | 'make'> {
  inputs: (result: P, settings: SimulateSettings) => I[];
  make: (tools: Tools, settings: SimulateSettings) => Step<I, O>;
}

/** A run's files hold what the step before wrote, so its type is known where the table is written and nowhere else. */
function plan<P extends Keyed, I extends Keyed, O extends Keyed>(typed: Typed<P, I, O>): StepPlan {
  return typed as unknown as StepPlan;
}

const same = <T extends Keyed>(result: T): T[] => [result];

/** Assembly asks nobody; its rules set aside what cannot be a record. */
function assembled<I extends Keyed>(record: (input: I) => Dialogue): Step<I, Dialogue> {
  return async (input) => record(input);
}

function judged(variant: Variant, rubrics: readonly string[]): StepPlan {
  const rubric = (dialogue: Dialogue): string =>
    variant === 'tts' ? groupRules(dialogue.metadata.group).rubric : `rubric-${variant}`;
  return plan({
    stage: `${variant}-judged`,
    from: `${variant}-dialogues`,
    asks: 'judge',
    prompts: ['judge', ...rubrics],
    keys: ['seed'],
    inputs: same<Dialogue>,
    make: (tools) => judgeStep(tools, rubric, variant === 'tts' ? 2048 : 1536),
  });
}

export const FLOWS: Readonly<Record<Variant, readonly StepPlan[]>> = {
  generation: [
    plan({
      stage: 'generation-requests',
      from: null,
      asks: 'requests',
      prompts: ['personas', 'generation-persona', 'generation-requests'],
      keys: ['seed'],
      inputs: same<Source>,
      make: requestsStep,
    }),
    plan({
      stage: 'generation-thinking',
      from: 'generation-requests',
      asks: 'thinking',
      prompts: ['generation-thinking'],
      keys: ['seed'],
      factor: ({ levels }) => (levels ?? LEVELS).length,
      inputs: (result: Requests, { levels }) => levelRequests(result, levels ?? LEVELS),
      make: thinkingStep,
    }),
    plan({
      stage: 'generation-dialogues',
      from: 'generation-thinking',
      asks: null,
      prompts: [],
      keys: ['system'],
      inputs: same<Thinking>,
      make: (_, { system }) => assembled((input: Thinking) => generationRecord(input, system)),
    }),
    judged('generation', ['rubric-generation']),
  ],
  understanding: [
    plan({
      stage: 'understanding-annotations',
      from: null,
      asks: 'requests',
      prompts: ['understanding-annotation'],
      keys: ['seed'],
      inputs: same<Source>,
      make: annotationStep,
    }),
    plan({
      stage: 'understanding-questions',
      from: 'understanding-annotations',
      asks: 'requests',
      prompts: ['attributes', 'understanding-questions'],
      keys: ['seed', 'questions'],
      inputs: same<Annotated>,
      make: (tools, { questions = QUESTIONS }) => questionsStep(tools, questions),
    }),
    plan({
      stage: 'understanding-answers',
      from: 'understanding-questions',
      asks: 'thinking',
      prompts: ['understanding-answer'],
      keys: ['seed'],
      factor: ({ questions = QUESTIONS }) => questions,
      inputs: (result: Questions) => eachQuestion(result),
      make: answersStep,
    }),
    plan({
      stage: 'understanding-dialogues',
      from: 'understanding-answers',
      asks: null,
      prompts: [],
      keys: [],
      inputs: same<Understood>,
      make: () => assembled(understandingRecord),
    }),
    judged('understanding', ['rubric-understanding']),
  ],
  tts: [
    plan({
      stage: 'tts-voices',
      from: null,
      asks: 'requests',
      prompts: ['tts-voices'],
      keys: ['seed'],
      inputs: same<Source>,
      make: voicesStep,
    }),
    plan({
      stage: 'tts-requests',
      from: 'tts-voices',
      asks: 'requests',
      prompts: [
        'styles',
        'nudges',
        'applications',
        'tts-applications',
        'tts-intent-rating',
        ...GROUPS.map((group) => `tts-${group}`),
      ],
      keys: ['seed'],
      factor: ({ groups, everyGroup }) => (groups || everyGroup ? undefined : 1),
      inputs: (result: Voices, { seed, groups, everyGroup }) => groupSources({ seed }, result, groups, everyGroup),
      make: speechRequestsStep,
    }),
    plan({
      stage: 'tts-plans',
      from: 'tts-requests',
      asks: 'thinking',
      prompts: ['tts-plan'],
      keys: ['seed'],
      inputs: same<SpeechRequested>,
      make: planStep,
    }),
    plan({
      stage: 'tts-dialogues',
      from: 'tts-plans',
      asks: null,
      prompts: [],
      keys: [],
      inputs: same<Spoken>,
      make: () => assembled(speechRecord),
    }),
    judged('tts', ['rubric-tts', 'rubric-tts-multi-talker']),
  ],
};

/** The step of a stage's name, if it is one of simulation. */
export function stepPlan(stage: string): StepPlan | undefined {
  return Object.values(FLOWS)
    .flat()
    .find((step) => step.stage === stage);
}
