/** One process at a place: a lock file that tells who holds it, and that the next process takes over from a dead one. */
import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { BagpiperError } from './errors.js';

/** Seconds between signs of life, and after which a holder on another machine is taken for dead. */
const BEAT = 10;
const DEAD_AFTER = 120;

export interface Holder {
  pid: number;
  host: string;
}

interface Mark extends Holder {
  /** when the process began, as the system counts; so a number that is given again is noticed */
  began: string;
  token: string;
}

/**
 * Takes the lock that lies at a path; its folder is made where there is none.
 *
 * @param inUse the error's sentence where a living process holds it
 * @returns what gives it back
 * @throws BagpiperError when a living process holds it; the system's error when it cannot be written
 */
export function takeLock(path: string, inUse: (holder: Holder) => string): () => void {
  mkdirSync(dirname(path), { recursive: true });
  const mine: Mark = { pid: process.pid, host: hostname(), began: beganAt(process.pid), token: randomUUID() };
  for (let time = 0; !created(path, mine); time++) {
    const holder = markIn(path);
    if (holder && (time >= 3 || isAlive(holder, path))) throw new BagpiperError(inUse(holder));
    // Renaming picks one winner among those that found the same dead holder.
    const grave = `${path}.${mine.token}.dead`;
    try {
      renameSync(path, grave);
    } catch {
      continue;
    }
    const buried = markIn(grave);
    if (holder && buried && buried.token !== holder.token) renameSync(grave, path);
    else rmSync(grave, { force: true });
  }
  const beat = setInterval(() => touch(path), BEAT * 1000);
  beat.unref();
  return () => {
    clearInterval(beat);
    if (markIn(path)?.token === mine.token) rmSync(path, { force: true });
  };
}

function created(path: string, mark: Mark): boolean {
  const draft = `${path}.${mark.token}`;
  const text = `${JSON.stringify(mark)}\n`;
  try {
    writeFileSync(draft, text);
    try {
      // Linking makes it appear with its text in it; where files cannot be linked, almost.
      linkSync(draft, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      writeFileSync(path, text, { flag: 'wx' });
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** undefined: there is none, or one whose writer died while writing it */
function markIn(path: string): Mark | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Mark;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, host, began }: Mark, path: string): boolean {
  if (host !== hostname()) return age(path) < DEAD_AFTER;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' && began === beganAt(pid);
  }
  return began === beganAt(pid);
}

/** Seconds since the last sign of life, by the clock that stamps the folder's files. */
function age(path: string): number {
  const probe = `${path}.${randomUUID()}`;
  try {
    writeFileSync(probe, '');
    return (statSync(probe).mtimeMs - statSync(path).mtimeMs) / 1000;
  } catch {
    return Number.POSITIVE_INFINITY;
  } finally {
    rmSync(probe, { force: true });
  }
}

function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // the folder is gone; writing to it will say so
  }
}

/** The start of a process since the machine's, where the system tells (Linux); '' elsewhere, "dead" for a process that has ended. */
function beganAt(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may hold anything; after it come the state (field 3) and, as field 22, the start.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return fields[0] === 'Z' ? 'dead' : `${boot} ${fields[19]}`;
  } catch {
    return '';
  }
}
