/** What a repository holds at one commit, asked through the hub's own client library. */
import { listFiles, modelInfo } from '@huggingface/hub';
import { messageOf, ServerError } from '../../errors.js';
import { type Asked, refusalOf } from './failure.js';
import { type Http, persistently } from './http.js';
import { isCommit, isSafePath, type RepoName } from './names.js';

/** How a file's content is known: large files by SHA-256 (Git LFS), small ones as git knows them. */
export interface Digest {
  algorithm: 'sha256' | 'git';
  /** 64 or 40 hex digits; also the file's name in the cache */
  hex: string;
}

export interface HubFile {
  /** in the repository, steps divided by slashes */
  path: string;
  /** bytes */
  size: number;
  digest: Digest;
}

export interface Listing {
  repo: string;
  /** what was asked for: branch, tag or commit */
  revision: string;
  /** what that is: 40 hex digits */
  commit: string;
  files: HubFile[];
}

/**
 * Asks which commit a revision is, and for the files of that commit. Everything later asks for this commit, so a push in
 * the meantime mixes nothing.
 *
 * @throws BagpiperError with what to do where the hub refuses; ServerError where it does not answer sensibly.
 */
export async function listRepo(http: Http, name: RepoName, signal: AbortSignal): Promise<Listing> {
  const { repo, revision = 'main' } = name;
  const { endpoint, token } = http.settings;
  const fetch = fetchBy(http, { endpoint, repo, revision, token }, signal);
  try {
    const { sha: commit } = await modelInfo({
      name: repo,
      revision,
      additionalFields: ['sha'],
      hubUrl: endpoint,
      fetch,
    });
    if (!isCommit(commit)) throw new ServerError(`${endpoint} names no commit for ${repo}; is HF_ENDPOINT right?`);
    const files: HubFile[] = [];
    for await (const entry of listFiles({
      repo: { type: 'model', name: repo },
      recursive: true,
      revision: commit,
      hubUrl: endpoint,
      fetch,
    })) {
      // Notes of the hub's tools, uploaded by mistake.
      if (entry.type === 'file' && !entry.path.startsWith('.cache/')) files.push(checked(repo, entry));
    }
    return { repo, revision, commit, files };
  } catch (error) {
    if (error instanceof TypeError || error instanceof SyntaxError) {
      throw new ServerError(`${endpoint} does not answer as a hub does (${messageOf(error)}); is HF_ENDPOINT right?`);
    }
    throw error;
  }
}

type Entry = Awaited<ReturnType<ReturnType<typeof listFiles>['next']>>['value'];

function checked(repo: string, entry: Exclude<Entry, undefined>): HubFile {
  const { path, lfs } = entry;
  if (typeof path !== 'string' || !isSafePath(path)) {
    throw new ServerError(
      `${repo} lists a file named ${JSON.stringify(path)}, which is no safe name; it was not pulled.`,
    );
  }
  const size = lfs?.size ?? entry.size;
  const hex = lfs?.oid ?? entry.oid;
  if (!Number.isSafeInteger(size) || size < 0 || !(lfs ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{40}$/).test(hex ?? '')) {
    throw new ServerError(`${repo} lists ${path} without its size and checksum; it was not pulled.`);
  }
  return { path, size, digest: { algorithm: lfs ? 'sha256' : 'git', hex: hex as string } };
}

/** The `fetch` that the library calls: ours, with its patience, its sentences, and its care for the token. */
function fetchBy(http: Http, asked: Asked, signal: AbortSignal): typeof fetch {
  const { endpoint } = http.settings;
  return async (input) => {
    const url = underEndpoint(new URL(String(input instanceof Request ? input.url : input)), endpoint);
    const [text, link] = await persistently(http.pace, signal, async () => {
      const answer = await http.get(url, { accept: 'application/json' }, signal);
      const body = await http.text(answer, signal);
      if (answer.status !== 200) throw refusalOf(answer, asked);
      return [body, answer.header('link')] as const;
    });
    return new Response(text, { headers: link === undefined ? {} : { link } });
  };
}

/** Mirrors pass on the hub's links to further pages, which name the hub and not them. */
function underEndpoint(url: URL, endpoint: string): URL {
  return url.href.startsWith(`${endpoint}/`) ? url : new URL(endpoint + url.pathname + url.search);
}
