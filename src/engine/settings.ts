/** Checks a request's decoding settings. */
import { BagpiperError } from '../errors.js';
import type { Modality, SegmentDefaults } from '../model/index.js';

const WHOLE = 'a whole number from';

/**
 * The model's defaults with a request's overrides.
 *
 * @throws BagpiperError naming the field that is out of range
 */
export function segmentSettings(
  modality: Modality,
  defaults: SegmentDefaults,
  given: Partial<SegmentDefaults> | undefined,
): SegmentDefaults {
  const chosen = Object.entries(given ?? {}).filter(([, value]) => value !== undefined);
  const settings: SegmentDefaults = { ...defaults, ...Object.fromEntries(chosen) };
  const check = (field: keyof SegmentDefaults, fits: boolean, accepted: string): void => {
    if (fits) return;
    throw new BagpiperError(`The ${modality} setting "${field}" is ${settings[field]}; ${accepted} is accepted.`);
  };
  const { temperature, topk, cfg, min_step, max_step, max_repeat } = settings;
  const whole = (value: number, least: number) => Number.isSafeInteger(value) && value >= least;
  check('temperature', Number.isFinite(temperature) && temperature >= 0, 'a number from 0');
  check('topk', whole(topk, 1), `${WHOLE} 1`);
  check('cfg', Number.isFinite(cfg) && cfg >= 0, 'a number from 0');
  check('min_step', whole(min_step, 0), `${WHOLE} 0`);
  check('max_step', whole(max_step, 1), `${WHOLE} 1`);
  check('max_repeat', max_repeat === undefined || whole(max_repeat, 1), `${WHOLE} 1`);
  return settings;
}
