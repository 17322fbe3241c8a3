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
export function progressText({ name, step, steps, loss, done, tokens, seconds }: Progress): string {
  const speed = tokens / Math.max(seconds, 1e-3);
  const left = done > 0 ? clock(((steps - step) * seconds) / done) : '?';
  return `${name}: step ${step}/${steps}, loss ${loss.toFixed(4)}, ${Math.round(speed)} tokens/s, ${left} left`;
}

/** Hours, minutes and seconds: `1:02:03`. */
function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/** Steps between two lines where stderr is a file or a pipe. */
const EVERY = 50;

export function showProgress(progress: Progress): void {
  const text = progressText(progress);
  const { step, steps, done } = progress;
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  else if (done === 1 || step % EVERY === 0 || step === steps) process.stderr.write(`${text}\n`);
}

/** Leaves the line that was redrawn. */
export function endProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\n');
}
