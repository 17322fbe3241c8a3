/** Learning rates over steps. */
export interface ScheduleOptions {
  /** rate at the end of the warm-up */
  peak: number;
  /** steps of linear rise from 0 */
  warmup: number;
  /** step at which the decay ends */
  steps: number;
  /** rate at the end as a part of the peak: 1 stays constant, 0.3 decays to 30% */
  floor: number;
}

/** Linear warm-up, then a cosine from the peak to `floor` times the peak; constant after `steps`. Steps count from 0. */
export function learningRate(step: number, { peak, warmup, steps, floor }: ScheduleOptions): number {
  if (step < warmup) return (peak * (step + 1)) / warmup;
  const done = Math.min(1, (step - warmup) / Math.max(1, steps - warmup));
  return peak * (floor + (1 - floor) * 0.5 * (1 + Math.cos(Math.PI * done)));
}
