/** What a terminal shows of a training: a few lines, as wide and high as fits. */
import { grouped } from '../../page/index.js';
import type { Curves } from '../curves.js';
import { type Audition, saidOf } from '../heard.js';
import { type Progress, paceOf } from '../progress.js';
import { brailleCurve, HELD_MARK } from './braille.js';
import { columnsOf, fit, wrap } from './text.js';

export interface FrameContent {
  progress: Progress;
  /** the stage's place, from 1 on, and how many there are */
  number: number;
  of: number;
  curves: Curves;
  /** what was heard last */
  audition: Audition | undefined;
}

export interface FrameSize {
  columns: number;
  rows: number;
}

type Style = 'bold' | 'dim' | 'green' | 'yellow';
export type Paint = (style: Style, text: string) => string;

/** The curve's characters, and the least of rows and columns for a frame. */
const CURVE = { width: 100, height: 8, least: 3 };
const LEAST: FrameSize = { columns: 36, rows: 9 };
/** Lines of the last caption. */
const CAPTION = 2;
/** Columns of the numbers beside the curve. */
const SCALE = 8;

/** Whether a terminal of this size can show a frame. */
export const fits = ({ columns, rows }: FrameSize): boolean => columns >= LEAST.columns && rows >= LEAST.rows;

/** Lines of at most `columns` columns each, fewer than `rows`. */
export function frame(content: FrameContent, { columns, rows }: FrameSize, paint: Paint): string[] {
  // The last column stays free: some terminals go to the next line once it is filled.
  const width = columns - 1;
  const head = [headLine(content, width, paint), factsLine(content, width)];
  const tail = captionLines(content.audition, width, paint);
  const height = Math.min(CURVE.height, rows - 1 - head.length - tail.length - 1);
  const curve = height >= CURVE.least ? curveLines(content.curves, width, height, paint) : [];
  return [...head, ...curve, ...tail];
}

/** `pretrain (2 of 3)  step 120 of 3,000  ━━━╌╌╌╌  4%`. */
function headLine({ progress, number, of }: FrameContent, width: number, paint: Paint): string {
  const { name, step, steps } = progress;
  const percent = `${Math.floor((100 * step) / steps)}%`;
  const place = of > 1 ? ` (${number} of ${of})` : '';
  const count = `step ${grouped(step)} of ${grouped(steps)}`;
  const stage = fit(`${name}${place}`, Math.max(8, width - columnsOf(count) - 2));
  const words = `${stage}  ${count}`;
  const left = width - columnsOf(words) - percent.length - 4;
  const lead = paint('bold', stage) + fit(words.slice(stage.length), width - columnsOf(stage));
  if (left < 6) return lead;
  const bar = Math.min(left, 30);
  const done = Math.round((bar * step) / steps);
  return `${lead}  ${paint('green', '━'.repeat(done))}${paint('dim', '╌'.repeat(bar - done))}  ${percent}`;
}

/** `loss 0.4213  held out 0.3987  2,710 tokens/s  0:12:30 left`; what does not fit is left out, from the end. */
function factsLine({ progress, curves }: FrameContent, width: number): string {
  const { speed, left } = paceOf(progress);
  const mean = curves.mean.at(-1)?.loss ?? progress.loss;
  const held = curves.held.at(-1);
  const facts = [
    `loss ${shortLoss(mean)}`,
    ...(held ? [`held out ${shortLoss(held.loss)}`] : []),
    `${left} left`,
    `${grouped(Math.round(speed))} tokens/s`,
  ];
  let line = '';
  for (const fact of facts) {
    const longer = line === '' ? fact : `${line}   ${fact}`;
    if (columnsOf(longer) <= width) line = longer;
  }
  return line;
}

function curveLines(curves: Curves, width: number, height: number, paint: Paint): string[] {
  if (curves.mean.length === 0) return [];
  const wide = Math.min(CURVE.width, width - SCALE - 1);
  const cells = brailleCurve(curves, wide, height);
  const lines = cells.map((row, i) => {
    const value = i === 0 ? shortLoss(curves.high) : i === height - 1 ? shortLoss(curves.low) : '';
    const drawn = row.map((cell) => (cell === HELD_MARK ? paint('yellow', cell) : cell)).join('');
    return `${paint('dim', `${value.padStart(SCALE - 1)} │`)}${drawn.trimEnd()}`;
  });
  const [first, last] = [curves.mean[0].step, curves.mean[curves.mean.length - 1].step].map(grouped);
  const key = curves.held.length > 0 ? `${HELD_MARK} held out` : '';
  const gap = wide - first.length - last.length;
  const middle =
    key.length + 2 <= gap ? key.padStart((gap + key.length) >> 1).padEnd(gap) : ' '.repeat(Math.max(1, gap));
  return [...lines, paint('dim', fit(`${' '.repeat(SCALE + 1)}${first}${middle}${last}`, width))];
}

/** Where the audition was, and the first that was said in it. */
function captionLines(audition: Audition | undefined, width: number, paint: Paint): string[] {
  const first = audition?.heard[0];
  if (!audition || !first) return [];
  const text = first.error === undefined ? saidOf(first).text : `failed: ${first.error}`;
  const lead = fit(plain(`step ${grouped(audition.step)}, ${first.title}`), width);
  return [paint('dim', lead), ...wrap(plain(text), width, CAPTION)];
}

/** Text that cannot steer a terminal, on one line. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must go
  return text.replace(/\s+/g, ' ').replace(/[\u0000-\u001f\u007f-\u009f]/g, '');
}

function shortLoss(loss: number): string {
  if (!Number.isFinite(loss)) return '?';
  return Math.abs(loss) >= 100 ? loss.toPrecision(4) : loss.toFixed(Math.abs(loss) < 0.01 ? 5 : 3);
}
