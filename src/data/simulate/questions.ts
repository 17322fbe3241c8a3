/** Understanding, step 2: questions about a clip, simple and compositional, with a known answer and without. */
import type { Annotated } from './annotation.js';
import { ask, structured } from './ask.js';
import { captionText } from './render.js';
import { of, type Rule } from './rules.js';
import { list, maybe, object, text } from './shape.js';
import { spokenIn } from './text.js';
import { claimsOnlyQuotes, latinOnly } from './text-rules.js';
import { exampleId, randomFor, type Step, type Tools } from './types.js';

/** Kinds as the published ids name them: `qa` has a known answer, `q` is open. */
export const QUESTION_KINDS = ['simple_qa', 'simple_q', 'compositional_qa', 'compositional_q'] as const;
export type QuestionKind = (typeof QUESTION_KINDS)[number];

/** Words of a question, both limits included: the ranges of published ones. */
export const QUESTION_WORDS = { simple: [12, 21], compositional: [34, 66] } as const;

/** The questions about a clip. The id is the clip's. */
export interface Questions extends Annotated {
  questions: { kind: QuestionKind; question: string; answer?: string }[];
}

/** One question. The id is the example's: dataset_idx_kind with its number. */
export interface Questioned extends Omit<Annotated, 'annotation' | 'caption'> {
  source: string;
  /** the whole caption text, prose and annotation */
  caption: string;
  /** words that the caption's prose quotes as spoken or sung */
  spoken: string[];
  kind: QuestionKind;
  question: string;
  /** the answer that is known, of kinds that have one */
  known?: string;
}

export interface QuestionCase {
  kind: QuestionKind;
  question: string;
  answer: string | null;
  caption: string;
}

export const QUESTION_RULES: readonly Rule<QuestionCase>[] = [
  {
    name: 'question_length',
    broken({ kind, question }) {
      const [low, high] = QUESTION_WORDS[kind.startsWith('simple') ? 'simple' : 'compositional'];
      const count = question.split(/\s+/).filter(Boolean).length;
      return count >= low && count <= high
        ? null
        : `The ${kind} question has ${count} words; ${low} to ${high} are accepted.`;
    },
  },
  {
    name: 'question_names_caption',
    broken({ kind, question }) {
      const named =
        /\b(?:caption|captions|annotation|annotated|transcript|metadata|description says|described as)\b/i.exec(
          question,
        );
      return named ? `The ${kind} question says "${named[0]}"; whoever asks has only heard the sound.` : null;
    },
  },
  {
    name: 'answer_known',
    broken({ kind, answer }) {
      const known = (answer ?? '').trim() !== '';
      if (kind.endsWith('qa')) return known ? null : `The ${kind} question needs its answer.`;
      return known ? `The ${kind} question is open and takes no answer.` : null;
    },
  },
  of(({ question }) => question, latinOnly('The question')),
  of(({ question, caption }) => ({ text: question, caption }), claimsOnlyQuotes('The question')),
];

const REPLY = (kinds: number) =>
  object({
    questions: list(
      object({
        question: text(),
        answer: maybe(text(kinds > 0 ? 'of kinds ending in qa; null otherwise' : undefined)),
      }),
    ),
  });

export const QUESTION_COUNT_RULE: Rule<{ cases: QuestionCase[]; expected: number }> = {
  name: 'question_count',
  broken: ({ cases, expected }) =>
    cases.length === expected ? null : `There are ${cases.length} questions; exactly ${expected} are wanted.`,
};

/** Asks for `perClip` questions of kinds drawn in turn, about attributes drawn from the list for the clip's kind of sound. */
export function questionsStep(tools: Tools, perClip: number): Step<Annotated, Questions> {
  const shaped = structured('questions', REPLY(perClip));
  return async (input, context) => {
    const kinds = kindsFor(tools, input.id, perClip);
    const attributes = attributesFor(tools, input, perClip);
    const wanted = kinds.map((kind, at) => `${at + 1}. ${kind}, about: ${attributes[at]}`).join('\n');
    const { cases } = await ask(
      tools,
      {
        prompt: 'understanding-questions',
        values: { caption: input.caption, wanted, count: perClip },
        temperature: 0.7,
        maxTokens: 1024,
        schema: shaped.schema,
        read(reply) {
          const { questions } = shaped.read(reply);
          const cases = questions.map((one, at) => ({ ...one, kind: kinds[at] ?? 'simple_q', caption: input.caption }));
          return { cases, expected: perClip };
        },
        rules: [QUESTION_COUNT_RULE, ...QUESTION_RULES.map(onAll)],
      },
      context,
    );
    const questions = cases.map(({ kind, question, answer }) => ({ kind, question, ...(answer && { answer }) }));
    return { ...input, questions };
  };
}

function onAll(rule: Rule<QuestionCase>): Rule<{ cases: QuestionCase[] }> {
  return {
    name: rule.name,
    broken({ cases }) {
      for (const one of cases) {
        const message = rule.broken(one);
        if (message !== null) return message;
      }
      return null;
    },
  };
}

/** Kinds in an order of the clip's own, so that every kind is asked about as many clips. */
function kindsFor(tools: Tools, id: string, count: number): QuestionKind[] {
  const random = randomFor(tools, id, 'question-kinds');
  const kinds: QuestionKind[] = [];
  while (kinds.length < count) kinds.push(...random.shuffle(QUESTION_KINDS));
  return kinds.slice(0, count);
}

function attributesFor(tools: Tools, { id, domain }: Annotated, count: number): string[] {
  const groups = tools.prompts.groups('attributes');
  const names = domain ? ['any', domain] : [...groups.keys()].map((name) => name.toLowerCase());
  const fitting = [...groups].filter(([name]) => names.includes(name.toLowerCase())).flatMap(([, items]) => items);
  const random = randomFor(tools, id, 'attributes');
  const drawn: string[] = [];
  while (drawn.length < count)
    drawn.push(...random.shuffle(fitting.length > 0 ? fitting : tools.prompts.list('attributes')));
  return drawn.slice(0, count);
}

/** The questions of a clip one by one, as the next step takes them. Numbers count within a kind, as in published ids. */
export function eachQuestion(input: Questions): Questioned[] {
  const { annotation, questions, caption: prose, ...rest } = input;
  const caption = captionText(prose, annotation, input.seconds);
  const seen = new Map<QuestionKind, number>();
  return questions.map(({ kind, question, answer }) => {
    const number = seen.get(kind) ?? 0;
    seen.set(kind, number + 1);
    return {
      ...rest,
      id: exampleId(input, `${kind}${number}`),
      source: input.id,
      caption,
      spoken: spokenIn(prose),
      kind,
      question,
      ...(answer !== undefined && { known: answer }),
    };
  });
}
