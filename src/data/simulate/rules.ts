/** Rules: named checks that a model's reply must pass, each with its reason in words that both people and models can use. */
import { type Reason, SetAside } from '../types.js';

/** A check. Names are short and countable; they become the reason's kind. */
export interface Rule<T> {
  name: string;
  /** one sentence naming what is wrong and what is accepted, or null when all is well */
  broken: (value: T) => string | null;
}

/** What a value breaks, in the order of the rules. */
export function brokenRules<T>(rules: readonly Rule<T>[], value: T): Reason[] {
  const reasons: Reason[] = [];
  for (const { name, broken } of rules) {
    const message = broken(value);
    if (message !== null) reasons.push({ kind: name, message });
  }
  return reasons;
}

/** @throws SetAside with the first rule that the value breaks: for work that no second reply can mend */
export function demand<T>(rules: readonly Rule<T>[], value: T): void {
  const [reason] = brokenRules(rules, value);
  if (reason) throw new SetAside(reason);
}

/** A rule for texts, to be hung on a part of a larger value. */
export function of<T, P>(part: (value: T) => P, rule: Rule<P>): Rule<T> {
  return { name: rule.name, broken: (value) => rule.broken(part(value)) };
}
