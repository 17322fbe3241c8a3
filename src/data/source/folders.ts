/** Files below a folder, and those that fit a pattern, always in the same order. */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { unreadable } from './bytes.js';

/**
 * Paths of all files below a folder, relative and with slashes, one folder after the other in the order of their names; one
 * folder's names are held at a time. Hidden files and folders (whose names begin with a dot) are left out; links are followed,
 * but not in circles.
 * @throws BagpiperError for a folder that cannot be read
 */
export async function* filesBelow(
  root: string,
  within = '',
  above: readonly string[] = [],
): AsyncGenerator<string, void, void> {
  const folder = join(root, within);
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw unreadable(folder, error);
  });
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  const self = await realpath(folder);
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = within === '' ? entry.name : `${within}/${entry.name}`;
    const kind = await kindOf(join(root, path), entry);
    if (kind === 'file') yield path;
    else if (
      kind === 'folder' &&
      !(entry.isSymbolicLink() && [...above, self].includes(await realpath(join(root, path))))
    ) {
      yield* filesBelow(root, path, [...above, self]);
    }
  }
}

async function kindOf(path: string, entry: Dirent): Promise<'file' | 'folder' | 'other'> {
  // A link to nothing is nothing.
  const what = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
  if (what?.isFile()) return 'file';
  return what?.isDirectory() ? 'folder' : 'other';
}

/** Whether a source is a pattern. */
export function isPattern(text: string): boolean {
  return /[*?[\]{}]/.test(text);
}

/** The folder that a pattern begins with, and the rest of it. */
export function patternParts(pattern: string): { folder: string; rest: string } {
  const names = pattern.split('/');
  const first = names.findIndex(isPattern);
  const at = first < 0 ? names.length - 1 : first;
  const folder = names.slice(0, at).join('/');
  return { folder: folder === '' ? (pattern.startsWith('/') ? '/' : '.') : folder, rest: names.slice(at).join('/') };
}

/**
 * A pattern for paths with slashes, as in shells: `*` and `?` stay within a name, `**` as a whole name stands for any folders,
 * `[abc]`, `[!abc]` and `{one,other}` choose.
 */
export function patternOf(pattern: string): RegExp {
  let depth = 0;
  const source = pattern.replace(
    /\*\*\/|\*\*|\*|\?|\[(!?)([^\]]+)\]|[{},]|[\\^$.|+()[\]]/g,
    (part, not: string, set?: string) => {
      if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\^[\]]/g, '\\$&')}]`;
      switch (part) {
        case '**/':
          return '(?:.*/)?';
        case '**':
          return '.*';
        case '*':
          return '[^/]*';
        case '?':
          return '[^/]';
        case '{':
          depth++;
          return '(?:';
        case '}':
          if (depth === 0) return '\\}';
          depth--;
          return ')';
        case ',':
          return depth > 0 ? '|' : ',';
        default:
          return `\\${part}`;
      }
    },
  );
  return new RegExp(`^${source}${')'.repeat(depth)}$`, 's');
}
