/** One file from the hub to the disk: resumed, fetched in ranges at once, checked, and made again where it is damaged. */
import { createHash, type Hash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { mkdirSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { BagpiperError, messageOf, ServerError } from '../../errors.js';
import type { Permits } from '../../permits.js';
import { hostOf } from './failure.js';
import { type Http, persistently } from './http.js';
import type { HubFile } from './listing.js';
import { NoRanges, Source } from './source.js';
import { OrderedWriter } from './writer.js';

export interface Transfer {
  http: Http;
  repo: string;
  commit: string;
  file: HubFile;
  /** grows from the file's beginning; what is there already is kept */
  incomplete: string;
  /** one is taken a connection; shared by all files */
  permits: Permits;
  signal: AbortSignal;
  /** bytes read again or written (negative: thrown away) */
  onBytes: (bytes: number, fresh: boolean) => void;
  onWarning: (text: string) => void;
}

/** Bytes read at once of what is there. */
const BLOCK = 2 ** 20;
/** How often a file is fetched whole before its server counts as broken. */
const ROUNDS = 2;

/**
 * Fetches a file until `incomplete` holds it whole, with the right checksum, flushed to the disk.
 *
 * @throws BagpiperError or ServerError, or the signal's reason; what has come is kept and goes on next time.
 */
export async function transfer(job: Transfer): Promise<void> {
  const { file, incomplete, onBytes, onWarning } = job;
  mkdirSync(dirname(incomplete), { recursive: true });
  let handle: FileHandle | undefined;
  try {
    handle = await opened(incomplete);
    const source = new Source(job.http, job.repo, job.commit, file);
    let whole = false;
    let damage = 0;
    for (let restarts = 0; ; ) {
      try {
        const digest = await fill(job, source, handle, whole);
        if (digest === file.digest.hex) return await handle.sync();
        if (++damage >= ROUNDS) {
          await handle.truncate(0);
          throw damaged(job, digest);
        }
        onWarning(`${file.path} came damaged (its checksum is wrong); it is fetched again.`);
      } catch (error) {
        if (!(error instanceof NoRanges)) throw error;
        if (++restarts > job.http.pace.attempts) throw cannotResume(job);
        whole = true;
      }
      const { size } = await handle.stat();
      await handle.truncate(0);
      onBytes(-size, false);
    }
  } catch (error) {
    throw diskFailure(error, incomplete);
  } finally {
    await handle?.close();
  }
}

/** Brings what is missing and gives the checksum. @param whole in one piece, from a server without ranges */
async function fill(job: Transfer, source: Source, handle: FileHandle, whole: boolean): Promise<string> {
  const { file, onBytes, signal } = job;
  const hash = createHash(file.digest.algorithm === 'git' ? 'sha1' : 'sha256');
  if (file.digest.algorithm === 'git') hash.update(`blob ${file.size}\0`);
  let { size: start } = await handle.stat();
  if (start > file.size) {
    await handle.truncate(0);
    start = 0;
  }
  await rehash(handle, start, hash, (bytes) => {
    signal.throwIfAborted();
    onBytes(bytes, false);
  });
  const writer = new OrderedWriter(handle, hash, start, (bytes) => onBytes(bytes, true));
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  // Every connection listens to it.
  setMaxListeners(0, stop);
  const running: Promise<void>[] = [];
  const step = whole ? file.size : job.http.pace.chunk;
  try {
    for (let at = start; at < file.size; at += step) {
      const release = await job.permits.take(stop);
      const chunk = writer.expect(at, Math.min(at + step, file.size));
      const fetched = (async () => {
        try {
          await persistently(job.http.pace, stop, ...attempts(source, writer, chunk, whole, stop));
          await writer.written(chunk);
        } catch (error) {
          failed.abort(error);
          throw error;
        } finally {
          release();
        }
      })();
      // The first failure is thrown below; others follow from it.
      fetched.catch(() => {});
      running.push(fetched);
    }
    await Promise.all(running);
  } catch (error) {
    failed.abort(error);
    await writer.settle();
    await Promise.allSettled(running);
    signal.throwIfAborted();
    throw failed.signal.reason;
  }
  await writer.settle();
  const { size } = await handle.stat();
  // Another program at work on the same file.
  return size === file.size ? hash.digest('hex') : `${size} bytes`;
}

/** Tries to fetch the rest of a range, and whether the last try brought some of it. */
function attempts(
  source: Source,
  writer: OrderedWriter,
  chunk: ReturnType<OrderedWriter['expect']>,
  whole: boolean,
  signal: AbortSignal,
): [() => Promise<void>, () => boolean] {
  let before = 0;
  const attempt = async (): Promise<void> => {
    // A server without ranges cannot go on where it broke off.
    if (whole && chunk.received > 0) throw new NoRanges();
    before = chunk.received;
    if (chunk.start + chunk.received >= chunk.end) return;
    for await (const piece of source.read(chunk.start + chunk.received, chunk.end, signal)) writer.add(chunk, piece);
  };
  return [attempt, () => chunk.received > before];
}

async function rehash(handle: FileHandle, length: number, hash: Hash, onRead: (bytes: number) => void): Promise<void> {
  const block = new Uint8Array(Math.min(BLOCK, Math.max(1, length)));
  for (let at = 0; at < length; ) {
    const { bytesRead } = await handle.read(block, 0, Math.min(block.length, length - at), at);
    if (bytesRead === 0) throw new BagpiperError('A file on the way became shorter; is another program at work on it?');
    hash.update(block.subarray(0, bytesRead));
    at += bytesRead;
    onRead(bytesRead);
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return await open(path, 'wx+');
  }
}

function cannotResume({ file, http }: Transfer): ServerError {
  return new ServerError(
    `${hostOf(http.settings.endpoint)} breaks off ${file.path} and cannot go on in the middle (it knows no ranges); try later, or without the mirror or proxy.`,
  );
}

function damaged({ file, repo, http }: Transfer, digest: string): ServerError {
  const { algorithm, hex } = file.digest;
  const name = algorithm === 'git' ? 'git blob SHA-1' : 'SHA-256';
  return new ServerError(
    `${file.path} of ${repo} came damaged twice: its ${name} should be ${hex} and is ${digest}; try later, or without the mirror or proxy (${http.settings.endpoint}).`,
  );
}

/** What the disk refuses, as a sentence. */
export function diskFailure(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (error instanceof BagpiperError || typeof code !== 'string' || !/^E[A-Z]+$/.test(code)) return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new BagpiperError(
      `The disk of ${path} is full; free some space and give the same command again: it goes on where it stopped.`,
    );
  }
  return new BagpiperError(`${path} cannot be written: ${messageOf(error)}; choose another folder (--out, HF_HOME).`);
}
