/** Names that come from users and servers, checked before they become parts of addresses and paths. */
import { BagpiperError } from '../../errors.js';

/** A repository of models, and which state of it. */
export interface RepoName {
  /** `org/name` */
  repo: string;
  /** branch, tag or commit; undefined: `main` */
  revision: string | undefined;
}

const REPO = /^[A-Za-z0-9][\w.-]{0,95}(\/[A-Za-z0-9][\w.-]{0,95})?$/;
const REVISION = /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)*$/;
const COMMIT = /^[0-9a-f]{40}$/;

/**
 * Reads `org/name` or `org/name@revision`.
 *
 * @throws BagpiperError for anything else.
 */
export function parseRepo(text: string, revision?: string): RepoName {
  const at = text.indexOf('@');
  const repo = at < 0 ? text : text.slice(0, at);
  if (!REPO.test(repo) || repo.includes('--') || repo.includes('..') || repo.endsWith('.git')) {
    throw new BagpiperError(
      `"${text}" names no repository on the hub; write owner and name, as in espnet/bagpiper-sft.`,
    );
  }
  if (at >= 0 && revision !== undefined) {
    throw new BagpiperError(`"${text}" names a revision, and so does --revision; give one of them.`);
  }
  const named = revision ?? (at < 0 ? undefined : text.slice(at + 1));
  if (named !== undefined && (!REVISION.test(named) || named.includes('..') || named.length > 200)) {
    throw new BagpiperError(`The revision is "${named}"; a branch, a tag or a commit of 40 hex digits is accepted.`);
  }
  return { repo, revision: named };
}

/** Whether a model's name may be that of a repository: `owner/name`, perhaps with `@revision`, and no path. */
export function looksLikeRepo(text: string): boolean {
  return /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*(@[\w./-]+)?$/.test(text);
}

export function isCommit(text: unknown): text is string {
  return typeof text === 'string' && COMMIT.test(text);
}

/** How the cache calls a repository's folder. */
export function folderName(repo: string): string {
  return ['models', ...repo.split('/')].join('--');
}

/**
 * Whether a file's name, given by a server, stays where it is put, on Windows too: relative, no `..`, no drive, no
 * backslash.
 */
export function isSafePath(path: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these have no place in a name
  if (path === '' || path.length > 1024 || /[\u0000-\u001f\u007f\\:]/.test(path)) return false;
  return path.split('/').every((step) => step !== '' && !/^\.+$/.test(step));
}
