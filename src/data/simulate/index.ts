/**
 * data/simulate/: dialogues to learn from, made by language models from clips with rich captions. `flow.ts` lists the steps of
 * the three variants; each step asks with a prompt file, and its rules (named checks in code) decide whether a reply will do.
 * docs/data-simulation.md explains it.
 */
export { ANNOTATION_RULES } from './annotation.js';
export { ANSWER_RULES } from './answers.js';
export { FLOWS, type SimulateSettings, type StepPlan, stepPlan, VARIANTS, type Variant } from './flow.js';
export {
  type Judged,
  partOf,
  type Rubric,
  rubricOf,
  type Score,
  type Scores,
  type Threshold,
  verdict,
} from './judge.js';
export { NameLimit, rejection, Statistics, THRESHOLDS, thresholdFor } from './keep.js';
export { PromptBook, packagedPrompts } from './prompts.js';
export { QUESTION_KINDS, QUESTION_RULES, type QuestionKind } from './questions.js';
export { GENERATION_RECORD_RULES, generationCase, RECORD_RULES } from './records.js';
export { LEVELS, type Level, REQUEST_RULES } from './requests.js';
export { brokenRules, type Rule } from './rules.js';
export { judge, type SimulateOptions, type SimulateOutcome, simulate } from './simulate.js';
export { openSimulateStage, simulateStage, specOf } from './stage.js';
export { judgeStatistics, writeSummaries } from './summaries.js';
export { THINKING_RULES } from './thinking.js';
export { GROUPS, type Group } from './tts-groups.js';
export { planRules } from './tts-plan.js';
export { speechRequestRules } from './tts-rules.js';
