/** The progress line of a run, on stderr: redrawn in place on a terminal, now and then elsewhere. */

export interface Progress {
  name: string;
  /** steps done, those of earlier processes included, and steps in all */
  step: number;
  steps: number;
  loss: number;
  /** steps and tokens of this process alone, and its seconds: its speed says how long the rest takes, whatever an earlier process needed */
  done: number;
  tokens: number;
  seconds: number;
}

/** `name: step 120/700, loss 3.1416, 2700 tokens/s, 0:12:30 left`. */
export function progressText(progress: Progress): string {
  const { name, step, steps, loss } = progress;
  const { speed, left } = paceOf(progress);
  return `${name}: step ${step}/${steps}, loss ${loss.toFixed(4)}, ${Math.round(speed)} tokens/s, ${left} left`;
}

/** Tokens a second, and the time that the other steps will take. */
export function paceOf({ step, steps, done, tokens, seconds }: Omit<Progress, 'name' | 'loss'>): {
  speed: number;
  left: string;
} {
  const left = done > 0 ? clock(((steps - step) * seconds) / done) : '?';
  return { speed: tokens / Math.max(seconds, 1e-3), left };
}

/** Hours, minutes and seconds: `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** Steps between two lines where stderr is a file or a pipe. */
const EVERY = 50;

/** Whether a step has a line of its own where lines are not redrawn. */
export function lineDue({ step, steps, done }: Progress): boolean {
  return done === 1 || step % EVERY === 0 || step === steps;
}

export function showProgress(progress: Progress): void {
  const text = progressText(progress);
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  else if (lineDue(progress)) process.stderr.write(`${text}\n`);
}

/** Leaves the line that was redrawn. */
export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\n');
}
