/**
 * Stages 3 and 4 of the official workflow: which joined records pass, what they score, and which are drawn by noisy top-k.
 */
import { BagpiperError } from '../../errors.js';
import { Random } from '../../random.js';
import type { Reason, SoundKind } from '../types.js';
import type { FilterSettings } from './settings.js';
import { FIELDS, kindOf, numberFor, type Side, WHOLE_FIELDS } from './sides.js';

/** What was joined of a record: numbers by field (NaN: not known). */
export type Joined = ReadonlyMap<string, number>;

/**
 * Joins a record and says why it does not pass: a side file that does not know it, as upstream's join is an inner one, or a
 * condition.
 * @param into gets what is known of it
 */
export function joinedReason(
  sides: readonly Side[],
  id: string,
  into: Map<string, number>,
  settings: FilterSettings,
): Reason | undefined {
  into.clear();
  for (const side of sides) {
    const index = side.find(id);
    if (index < 0) return { kind: `no_${side.name}`, message: `The file of ${side.name} does not name it.` };
    for (let c = 0; c < side.columns.length; c++) into.set(side.columns[c], side.value(index, c));
  }
  return semanticReason(into, settings);
}

/**
 * The first condition that a record does not meet. Conditions on fields that no side file tells are passed over.
 * Fields with fractions must be above their limit, whole ones at it or above, words and flags equal.
 */
export function semanticReason(joined: Joined, settings: FilterSettings): Reason | undefined {
  for (const [field, wanted] of Object.entries(settings.require)) {
    const value = joined.get(field);
    if (value === undefined) continue;
    const limit = numberFor(field, wanted);
    const passes =
      typeof wanted !== 'number' ? value === limit : WHOLE_FIELDS.has(field) ? value >= limit : value > limit;
    if (!passes) return { kind: field, message: `${field} is ${shown(field, value)}; ${wanted} is asked for.` };
  }
  const agreement = joined.get('agreement');
  if (agreement !== undefined && !(agreement >= settings.agreement)) {
    const message = `A judge that heard the sound found agreement ${shown('agreement', agreement)} of 5; ${settings.agreement} is needed.`;
    return { kind: 'audio_disagrees', message };
  }
  return undefined;
}

/**
 * The weighted sum. A field that is a condition does not count, nor does one that is not known; MOS counts for speech alone,
 * aesthetics for all else.
 * @returns undefined where nothing positive comes out: such a sample has no score
 */
export function score(joined: Joined, kind: SoundKind | undefined, settings: FilterSettings): number | undefined {
  let sum = 0;
  for (const [field, weight] of Object.entries(settings.weights)) {
    if (Object.hasOwn(settings.require, field)) continue;
    if (field === 'mos_mean' && kind !== 'speech') continue;
    if (field === 'aesthetics_mean' && kind === 'speech') continue;
    const value = joined.get(field);
    if (value !== undefined && !Number.isNaN(value)) sum += weight * value;
  }
  return sum > 0 ? sum : undefined;
}

/**
 * A score with Gumbel noise, T * (-ln(-ln u)). u comes from seed and id, so that it is the same in any order and part of the
 * data (upstream draws in the order of its files; its very numbers cannot be had again).
 */
export function noisyScore(
  value: number,
  id: string,
  { temperature, seed }: { temperature: number; seed: number },
): number {
  if (temperature === 0) return value;
  // Within (0, 1): both ends would be infinite.
  const u = (new Random(`top-k/${seed}/${id}`).uint32() + 0.5) / 2 ** 32;
  return value - temperature * Math.log(-Math.log(u));
}

/**
 * Which of a pool are kept: the best floor(n * (1 - discard)); of equal ones the first.
 * @returns 1 for kept ones; [scores.length]
 */
export function topK(scores: Float64Array, discard: number): Uint8Array {
  // The product may end a hair below the whole number that is meant (0.8 * 5 is exact, 0.58 * 50 is not).
  const count = Math.floor(scores.length * (1 - discard) + 1e-9);
  const kept = new Uint8Array(scores.length);
  if (count === 0) return kept;
  const limit = scores.slice().sort()[scores.length - count];
  let left = count;
  for (let i = 0; i < scores.length; i++) {
    if (scores[i] > limit) {
      kept[i] = 1;
      left--;
    }
  }
  for (let i = 0; i < scores.length && left > 0; i++) {
    if (scores[i] === limit) {
      kept[i] = 1;
      left--;
    }
  }
  return kept;
}

/** @throws BagpiperError for conditions and weights on fields that do not exist, and discards that are no shares */
export function checkSemantics({ require, weights, topK: draw }: FilterSettings): void {
  for (const field of [...Object.keys(require), ...Object.keys(weights)]) {
    if (!FIELDS.includes(field)) {
      throw new BagpiperError(`There is no field "${field}" to filter or score by; there are ${FIELDS.join(', ')}.`);
    }
  }
  for (const [field, value] of Object.entries(require)) numberFor(field, value);
  if (draw === false) return;
  for (const [kind, share] of Object.entries(draw.discard)) {
    if (!(share >= 0 && share < 1)) {
      throw new BagpiperError(`The share of ${kind} to discard is ${share}; from 0 to below 1 is accepted.`);
    }
  }
}

function shown(field: string, value: number): string {
  if (Number.isNaN(value)) return 'not known';
  if (field === 'audio_type') return String(kindOf(value));
  if (field.startsWith('is_')) return value === 1 ? 'true' : 'false';
  return Number.isInteger(value) ? String(value) : value.toFixed(3);
}
