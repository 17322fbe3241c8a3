/** Which arms each experiment compares, and by what; and the tables of it. */
import { pretrainId, type Start, tuneId } from './plan.js';
import type { Result } from './results.js';
import { pairedDifference, spread } from './statistics.js';

/** A line of a table. */
export interface Line {
  measure: string;
  /** what the table says, where it is not the measure's own name */
  label?: string;
  better: 'higher' | 'lower';
  /** shown in percent */
  share?: boolean;
}

export interface Arm {
  label: string;
  id: (seed: number) => string;
}

export interface Comparison {
  title: string;
  first: Arm;
  second: Arm;
  lines: readonly Line[];
}

const right = (measure: string, label?: string): Line => ({ measure, label, better: 'higher', share: true });
const loss = (measure: string, label?: string): Line => ({ measure, label, better: 'lower' });

const QUESTIONS: readonly Line[] = [
  right('questions right', 'four-choice questions right'),
  { measure: 'questions: none or several named', better: 'lower', share: true },
  loss('answer loss after own words', 'true answer after what the model itself wrote, nats a token'),
];
const RENDERINGS: readonly Line[] = [
  loss('sound loss after own words', 'true codes after what the model itself wrote, nats a code'),
  right('rendered: kinds', 'rendered: speech, music and sound all as asked'),
  right('rendered: event F1'),
  right('rendered: length', 'rendered: within 30 % of the length of the clip asked for'),
  { measure: 'rendered: silent', better: 'lower', share: true },
];
const CAPTIONS: readonly Line[] = [
  loss('held-out loss: caption', 'held-out captions, nats a token'),
  right('caption: kinds right'),
  right('caption: event F1'),
];
const SOUNDS: readonly Line[] = [loss('held-out loss: sound', 'held-out codes, nats a code')];

const pretrained = (label: string, start: Start): Arm => ({ label, id: (seed) => pretrainId(start, seed) });
const tuned = (label: string, start: Start, way: 'process' | 'direct' = 'process'): Arm => ({
  label,
  id: (seed) => tuneId(way, start, seed),
});

export const COMPARISONS: Readonly<
  Record<'caption-then-process' | 'joint' | 'rich-captions' | 'warmup', readonly Comparison[]>
> = {
  'caption-then-process': [
    {
      title:
        'The same pre-training, fine-tuned by as many steps of as large batches to answer at once, or after caption and thinking.',
      first: tuned('direct', 'both', 'direct'),
      second: tuned('caption, then process', 'both'),
      lines: [
        ...QUESTIONS,
        loss('held-out loss: renderDirect', 'true codes after the request alone, nats a code'),
        loss('held-out loss: render', 'true codes after the true thinking and caption, nats a code'),
        ...RENDERINGS,
      ],
    },
  ],
  joint: [
    {
      title: 'Understanding, after pre-training of as many steps.',
      first: pretrained('sound to caption alone', 'hearing'),
      second: pretrained('both ways', 'both'),
      lines: CAPTIONS,
    },
    {
      title: 'Generation, after pre-training of as many steps.',
      first: pretrained('caption to sound alone', 'making'),
      second: pretrained('both ways', 'both'),
      lines: SOUNDS,
    },
    {
      title: 'The same fine-tuning after either: understanding alone against both ways.',
      first: tuned('sound to caption alone', 'hearing'),
      second: tuned('both ways', 'both'),
      lines: [...QUESTIONS, ...RENDERINGS],
    },
    {
      title: 'The same fine-tuning after either: generation alone against both ways.',
      first: tuned('caption to sound alone', 'making'),
      second: tuned('both ways', 'both'),
      lines: [...QUESTIONS, ...RENDERINGS],
    },
  ],
  'rich-captions': [
    {
      title: 'The same fine-tuning after pre-training on short labels or on rich captions.',
      first: tuned('labels', 'labels'),
      second: tuned('rich captions', 'both'),
      lines: [...QUESTIONS, ...RENDERINGS],
    },
  ],
  warmup: [
    {
      title: 'Pre-training with and without a warm-up stage, steps in all alike.',
      first: pretrained('without', 'cold'),
      second: pretrained('with', 'both'),
      lines: [...CAPTIONS, ...SOUNDS],
    },
  ],
};

/** Values of a measure by seed. */
export function valuesOf(results: ReadonlyMap<string, Result>, { id }: Arm, measure: string): Map<number, number> {
  const values = new Map<number, number>();
  for (const { seed, ...result } of results.values()) {
    const value = result.id === id(seed) ? result.measures[measure] : undefined;
    if (typeof value === 'number') values.set(seed, value);
  }
  return values;
}

export const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;

/** A number as a table shows it; "" where there is none. */
export function shown(x: number, share = false): string {
  if (!Number.isFinite(x)) return '';
  return share ? percent(x) : x.toFixed(3);
}

/** "52.1 % ± 1.3 %", with the standard deviation over seeds where there are several. */
export function spreadText(values: readonly number[], share = false): string {
  if (values.length === 0) return '';
  const { mean, deviation } = spread(values);
  return values.length > 1 ? `${shown(mean, share)} ± ${shown(deviation, share)}` : shown(mean, share);
}

/** A comparison's table; undefined where one of the arms was not run. */
export function comparisonTable(comparison: Comparison, results: ReadonlyMap<string, Result>): string | undefined {
  const { first, second, lines, title } = comparison;
  const rows = lines.flatMap(({ measure, label, better, share }) => {
    const [a, b] = [first, second].map((arm) => valuesOf(results, arm, measure));
    if (a.size === 0 || b.size === 0) return [];
    const { mean, low, high, verdict, pairs } = pairedDifference(a, b);
    const interval = Number.isFinite(low) ? ` (${signed(low, share)} to ${signed(high, share)})` : '';
    const cells = [
      label ?? measure,
      spreadText([...a.values()], share),
      spreadText([...b.values()], share),
      pairs > 0 ? signed(mean, share) + interval : '',
      pairs > 0 ? verdictText(verdict, better, comparison) : '',
    ];
    return [`| ${cells.join(' | ')} |`];
  });
  if (rows.length === 0) return undefined;
  const head = `| measure | ${first.label} | ${second.label} | difference (95 %) | |`;
  return [title, '', head, '| --- | ---: | ---: | ---: | --- |', ...rows].join('\n');
}

export function signed(x: number, share = false): string {
  const text = shown(x, share);
  return x > 0 ? `+${text}` : text;
}

function verdictText(
  verdict: ReturnType<typeof pairedDifference>['verdict'],
  better: Line['better'],
  { first, second }: Pick<Comparison, 'first' | 'second'>,
): string {
  if (verdict === 'unknown') return 'one seed: unknown';
  if (verdict === 'noise') return 'within noise';
  return `better: ${verdict === better ? second.label : first.label}`;
}
