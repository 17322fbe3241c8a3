/**
 * filter/: which labels are worth training on. The official workflow's rules with their limits (surface.ts), language,
 * agreement with transcripts, near-duplicates (MinHash), judgements, scores and noisy top-k; files and names are upstream's.
 * docs/data-filters.md lists every rule.
 */
export {
  AGREE,
  type Agreement,
  type CaptionJudgement,
  filterPrompts,
  JUDGE,
  openJudgeStage,
} from './caption-judge.js';
export { finishedStats } from './done.js';
export { filterLabels } from './filter.js';
export type { FilterProgress, FilterRequest } from './request.js';
export { filterRun, type RunFilterOptions, type RunFilterOutcome } from './run-filter.js';
export {
  type Direction,
  defaultSettings,
  type FilterSettings,
  TOP_K,
  type TopKSettings,
  withSettings,
} from './settings.js';
export type { SideName } from './sides.js';
export type { FilterStats } from './stats.js';
