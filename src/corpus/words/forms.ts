/**
 * A small language of sentence forms that can be written and read back with the same definition.
 * `[one|two|]` picks an alternative (nesting is fine), `{name}` is a slot, `< with {name}>` is there only when its slot
 * has a value, everything else stands for itself.
 */

import type { Random } from '../../random.js';

/** A piece of a sentence with its exact inverse. */
export interface Phrase<T> {
  write(value: T, random: Random): string;
  /** regular expression source without capturing groups that matches whatever `write` can give */
  readonly pattern: string;
  /** the value of a text that `pattern` matches */
  read(text: string): T;
}

/** What goes into the slots of a form; undefined leaves an optional part out. */
export type Values = Readonly<Record<string, string | undefined>>;

/** Fills a form: slots from `values`, alternatives by chance. The first letter becomes a capital. */
export function fill(form: string, values: Values, random: Random): string {
  let text = form.replace(/<([^<>]*)>/g, (_, part: string) => {
    const name = /\{(\w+)\}/.exec(part)?.[1];
    return name !== undefined && values[name] ? part : '';
  });
  while (text.includes('[')) {
    text = text.replace(/\[([^[\]]*)\]/g, (_, options: string) => random.pick(options.split('|')));
  }
  return capital(
    text.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`the form "${form}" needs a value for ${name}`);
      return value;
    }),
  );
}

/** Matches a whole sentence (its first letter in lower case) and gives back the slots that took part. */
export type Reader = (sentence: string) => Record<string, string> | null;

/** Compiles a form to its inverse. `patterns` holds a regular expression source without groups for every slot. */
export function reader(form: string, patterns: Readonly<Record<string, string>>): Reader {
  const names: string[] = [];
  let source = '';
  for (const token of form.match(/\{\w+\}|[[\]|<>]|[^{}[\]|<>]+/g) ?? []) {
    if (token === '[' || token === '<') source += '(?:';
    else if (token === ']') source += ')';
    else if (token === '>') source += ')?';
    else if (token === '|') source += '|';
    else if (token.startsWith('{')) {
      const name = token.slice(1, -1);
      const pattern = patterns[name];
      if (pattern === undefined) throw new Error(`the form "${form}" uses an unknown slot ${name}`);
      names.push(name);
      source += `(${pattern})`;
    } else source += escapeRegExp(token);
  }
  const expression = new RegExp(`^(?:${source})$`);
  return (sentence) => {
    const match = expression.exec(sentence);
    if (!match) return null;
    const out: Record<string, string> = {};
    names.forEach((name, i) => {
      const value = match[i + 1];
      if (value !== undefined) out[name] = value;
    });
    return out;
  };
}

/** A phrase over a closed set of values, each with one or more wordings; no wording may serve two values. */
export function choice<T extends string>(table: Readonly<Record<T, readonly string[]>>): Phrase<T> {
  const back = new Map<string, T>();
  for (const value of Object.keys(table) as T[]) {
    for (const wording of table[value]) {
      if (back.has(wording)) throw new Error(`"${wording}" would be ambiguous`);
      back.set(wording, value);
    }
  }
  return {
    write: (value, random) => random.pick(table[value]),
    pattern: anyOf([...back.keys()]),
    read: (text) => back.get(text) as T,
  };
}

/** Regular expression source matching any of the texts, the longest first. */
export function anyOf(texts: readonly string[]): string {
  const sorted = [...texts].sort((a, b) => b.length - a.length);
  return `(?:${sorted.map(escapeRegExp).join('|')})`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** The text with a final period, unless it ends in a quotation that has its own. */
export function stop(text: string): string {
  return /[.?!]"$/.test(text) ? text : `${text}.`;
}

/** "a", "a and b", "a, b and c" */
export function listing(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;
}

/** Cuts prose into sentences. Inside double quotes nothing is cut, and "2.5 seconds" stays whole. */
export function splitSentences(text: string): string[] {
  const out: string[] = [];
  let from = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') quoted = !quoted;
    const next = text.slice(i + 1, i + 3);
    const afterQuote = c === '"' && !quoted && /[.?!]/.test(text[i - 1] ?? '') && /^(\s+[A-Z]|\s*$)/.test(next);
    const afterPeriod = !quoted && (c === '.' || c === '?' || c === '!') && /^(\s|$)/.test(next);
    if (!afterQuote && !afterPeriod) continue;
    out.push(text.slice(from, i + 1).trim());
    from = i + 1;
  }
  const rest = text.slice(from).trim();
  if (rest) out.push(rest);
  return out;
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
