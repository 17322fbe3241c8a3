/** Judging: a model scores a whole example on every dimension of a rubric, 1 to 5. What passes is decided by code. */
import type { Dialogue, Keyed } from '../types.js';
import { ask, structured } from './ask.js';
import type { PromptBook } from './prompts.js';
import { integer, maybe, object, type Shape, text } from './shape.js';
import type { Step, Tools } from './types.js';

/** What a rubric asks, by category. */
export interface Rubric {
  /** category -> dimension -> question */
  categories: Map<string, Map<string, string>>;
}

export interface Score {
  /** 1 to 5 */
  score: number;
  flaws?: string;
}

/** category -> dimension -> score */
export type Scores = Record<string, Record<string, Score>>;

/** A judgement. Field names are upstream's. */
export interface Judged extends Keyed {
  /** level, kind of question, or group */
  part: string;
  scores: Scores;
  /** mean of all scores, two decimals */
  overall_score: number;
  overall_pass: boolean;
}

/** What an example must reach: every score at least `min`, their mean at least `mean`. */
export interface Threshold {
  min: number;
  mean: number;
}

/** The recipe's rule of passing. */
export const PASS: Threshold = { min: 3, mean: 3.5 };

/** Reads a rubric file: categories are headings, dimensions are items "name: question". */
export function rubricOf(prompts: PromptBook, name: string): Rubric {
  const categories = new Map<string, Map<string, string>>();
  for (const [category, items] of prompts.groups(name)) {
    const dimensions = new Map<string, string>();
    for (const item of items) {
      const at = item.indexOf(':');
      dimensions.set(at < 0 ? item : item.slice(0, at).trim(), at < 0 ? '' : item.slice(at + 1).trim());
    }
    categories.set(category, dimensions);
  }
  return { categories };
}

/** All scores of a judgement by dimension. */
export function flatScores(scores: Scores): Map<string, number> {
  const flat = new Map<string, number>();
  for (const dimensions of Object.values(scores)) {
    for (const [dimension, { score }] of Object.entries(dimensions)) flat.set(dimension, score);
  }
  return flat;
}

/** Mean to two decimals, and whether everything is reached. The mean that is compared is not rounded. */
export function verdict(
  scores: Scores,
  { min, mean }: Threshold = PASS,
): { overall_score: number; overall_pass: boolean } {
  const all = [...flatScores(scores).values()];
  const average = all.reduce((sum, score) => sum + score, 0) / all.length;
  return {
    overall_score: Math.round(average * 100) / 100,
    overall_pass: all.length > 0 && all.every((score) => score >= min) && average >= mean,
  };
}

/** Level, kind of question or group of a dialogue: what thresholds and summaries go by. */
export function partOf({ metadata }: Dialogue): string {
  const part = metadata.detail_level ?? metadata.question_kind ?? metadata.group;
  return typeof part === 'string' ? part : 'all';
}

/**
 * T 0.1; 1,536 tokens for the 22 dimensions of generation, 2,048 for speech, as the recipe.
 * @param rubricName the rubric file for a dialogue
 */
export function judgeStep(
  tools: Tools,
  rubricName: (dialogue: Dialogue) => string,
  maxTokens = 1536,
): Step<Dialogue, Judged> {
  const rubrics = new Map<string, { rubric: string; shape: Shape<Scores> }>();
  const known = (name: string) => {
    let found = rubrics.get(name);
    if (!found) {
      const rubric = rubricOf(tools.prompts, name);
      found = { rubric: rubricText(rubric), shape: shapeOf(rubric) };
      rubrics.set(name, found);
    }
    return found;
  };
  return async (dialogue, context) => {
    const { rubric, shape } = known(rubricName(dialogue));
    const scores = await ask(
      tools,
      {
        prompt: 'judge',
        values: { rubric, example: exampleText(dialogue) },
        temperature: 0.1,
        maxTokens,
        ...structured('judgement', shape),
        rules: [],
      },
      context,
    );
    return { id: dialogue.id, part: partOf(dialogue), scores, ...verdict(scores) };
  };
}

function shapeOf({ categories }: Rubric): Shape<Scores> {
  const dimension = object({ score: integer(1, 5), flaws: maybe(text('what is wrong, in a few words')) });
  const shape = object(
    Object.fromEntries(
      [...categories].map(([category, dimensions]) => [
        category,
        object(Object.fromEntries([...dimensions.keys()].map((name) => [name, dimension]))),
      ]),
    ),
  );
  return { schema: shape.schema, read: (value, path) => withoutEmptyFlaws(shape.read(value, path)) };
}

function withoutEmptyFlaws(read: Record<string, Record<string, { score: number; flaws: string | null }>>): Scores {
  const scores: Scores = {};
  for (const [category, dimensions] of Object.entries(read)) {
    const clean: Record<string, Score> = {};
    for (const [name, { score, flaws }] of Object.entries(dimensions))
      clean[name] = flaws ? { score, flaws } : { score };
    scores[category] = clean;
  }
  return scores;
}

function rubricText({ categories }: Rubric): string {
  return [...categories]
    .map(([category, dimensions]) =>
      [`${category}:`, ...[...dimensions].map(([name, question]) => `- ${name}: ${question}`)].join('\n'),
    )
    .join('\n\n');
}

/** The example as a judge reads it: every message under its role; sounds are only named, as a judge of text hears none. */
function exampleText({ messages, metadata }: Dialogue): string {
  const persona = typeof metadata.persona === 'string' ? [`[persona]\n${metadata.persona}`] : [];
  return [
    ...persona,
    ...messages.map(([role, modality, content]) => `[${role}]\n${modality === 'text' ? content : '(the sound)'}`),
  ].join('\n\n');
}
