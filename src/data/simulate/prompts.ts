/**
 * Prompts as files: Markdown with a "# System" and a "# User" part, `{{names}}` to be filled in, and comments for whoever
 * edits them. Lists (personas, styles, applications) are files too, one item a line. All may be replaced by a user's own.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BagpiperError } from '../../errors.js';
import type { ChatMessage } from '../llm/types.js';

/** Items of a list file under the heading they stand under ('' before the first). */
export type Groups = Map<string, string[]>;

/** A folder of prompt files. Files are read when first asked for, and kept. */
export class PromptBook {
  private readonly texts = new Map<string, string>();

  /**
   * @param folder where the user's own files lie; what it lacks is taken from the package
   * @param given texts that stand for files, by name without the ending
   */
  constructor(
    private readonly folder: string = packagedPrompts(),
    given: Readonly<Record<string, string>> = {},
  ) {
    if (!existsSync(folder)) {
      throw new BagpiperError(`${folder}: there is no such folder; name one with prompts, or leave it out.`);
    }
    for (const [name, text] of Object.entries(given)) this.texts.set(name, text);
  }

  /** The file's text. @throws BagpiperError when there is no such file */
  text(name: string): string {
    const known = this.texts.get(name);
    if (known !== undefined) return known;
    // A folder of prompts for all of a run has those of simulation under "simulate", as RUN/prompts has.
    const places = [join(this.folder, 'simulate'), this.folder, packagedPrompts()];
    const path = places.map((place) => join(place, `${name}.md`)).find(existsSync);
    if (path === undefined) {
      throw new BagpiperError(`The prompt ${join(this.folder, name)}.md is missing; put it there.`);
    }
    const text = readFileSync(path, 'utf8');
    this.texts.set(name, text);
    return text;
  }

  /**
   * The messages of a prompt with its names filled in.
   * @throws BagpiperError when the file asks for a name that this step does not have, or lacks its User part
   */
  messages(name: string, values: Readonly<Record<string, string | number>>): ChatMessage[] {
    const { system, user } = partsOf(this.text(name), name);
    const fill = (text: string): string =>
      text.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, key: string) => {
        const value = values[key];
        if (value === undefined) {
          throw new BagpiperError(
            `The prompt ${name}.md asks for {{${key}}}; it may use ${Object.keys(values).sort().join(', ')}.`,
          );
        }
        return String(value);
      });
    const messages: ChatMessage[] = [];
    if (system !== '') messages.push({ role: 'system', content: fill(system) });
    messages.push({ role: 'user', content: fill(user) });
    return messages;
  }

  /** The items of a list file. @throws BagpiperError when it has none */
  list(name: string): string[] {
    return [...this.groups(name).values()].flat();
  }

  /** The items of a list file under their headings. @throws BagpiperError when it has none */
  groups(name: string): Groups {
    const groups: Groups = new Map();
    let heading = '';
    for (const line of withoutComments(this.text(name)).split('\n')) {
      const title = /^#+\s+(.*)/.exec(line)?.[1];
      if (title !== undefined) heading = title.trim();
      const item = /^[-*]\s+(.*\S)/.exec(line)?.[1];
      if (item === undefined) continue;
      const items = groups.get(heading);
      if (items) items.push(item);
      else groups.set(heading, [item]);
    }
    if (groups.size === 0)
      throw new BagpiperError(`The list ${name}.md has no items; write one a line, each after "- ".`);
    return groups;
  }
}

/** Where the prompts that come with the package lie. */
export function packagedPrompts(): string {
  return fileURLToPath(new URL('../../../prompts/simulate', import.meta.url));
}

function partsOf(text: string, name: string): { system: string; user: string } {
  const parts = { system: '', user: '' };
  let at: 'system' | 'user' | undefined;
  for (const line of withoutComments(text).split('\n')) {
    const title = /^#\s+(system|user)\s*$/i.exec(line)?.[1]?.toLowerCase();
    if (title === 'system' || title === 'user') at = title;
    else if (at) parts[at] += `${line}\n`;
  }
  if (parts.user.trim() === '') {
    throw new BagpiperError(
      `The prompt ${name}.md has no part "# User"; write one, and "# System" before it if you like.`,
    );
  }
  return { system: parts.system.trim(), user: parts.user.trim() };
}

function withoutComments(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(/<!--[\s\S]*?-->/g, '');
}
