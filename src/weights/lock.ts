/** Keeps two processes from writing into the same folder at once. */
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { BagpiperError } from '../errors.js';

/** How often whoever holds a lock says that it lives, and after which time it counts as dead. Milliseconds. */
const SIGN = 5000;
const DEAD = 60_000;

/**
 * Takes a lock. One left by a process that was killed is taken over.
 *
 * @returns gives it back.
 * @throws BagpiperError where a living process holds it.
 */
export function takeLock(path: string, what: string): () => void {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${process.pid} ${hostname()}\n`;
  for (let tried = 0; ; tried++) {
    try {
      writeFileSync(path, mine, { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (tried > 2 || isHeld(path)) {
        throw new BagpiperError(
          `${what} by another process already; wait until it has ended, or remove ${path} if there is none.`,
        );
      }
      rmSync(path, { force: true });
    }
  }
  const timer = setInterval(() => {
    try {
      utimesSync(path, new Date(), new Date());
    } catch {
      // Somebody removed it; their decision.
    }
  }, SIGN);
  timer.unref();
  return () => {
    clearInterval(timer);
    rmSync(path, { force: true });
  };
}

function isHeld(path: string): boolean {
  try {
    const age = Date.now() - statSync(path).mtimeMs;
    const [pid, host] = readFileSync(path, 'utf8').trim().split(' ');
    if (age > DEAD) return false;
    if (host !== hostname()) return true;
    process.kill(Number(pid), 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else. Anything else: it is gone, or so is the lock.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
