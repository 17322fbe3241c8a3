/** The memory of a process, its own and what it maps of files apart. Linux only: elsewhere nothing is known. */
import { readFileSync } from 'node:fs';

/** Bytes. */
export interface Memory {
  /** that belongs to the process alone: heaps, stacks, buffers */
  private: number;
  /** pages of mapped files, which the system may take back at any time */
  mapped: number;
}

/** What a process has at this moment; undefined where the system does not tell. */
export function memoryOf(pid: number | 'self'): Memory | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const of = (field: string): number => Number(new RegExp(`^${field}:\\s*(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
    // Swapped out is not given back.
    const own = of('RssAnon') + of('RssShmem') + of('VmSwap');
    return Number.isNaN(own) ? undefined : { private: own, mapped: of('RssFile') };
  } catch {
    return undefined;
  }
}

/** Looks at a process again and again. */
export class MemoryWatch {
  private readonly timer: NodeJS.Timeout;
  private readonly most: Memory = { private: 0, mapped: 0 };
  private seen = false;

  constructor(pid: number) {
    const look = () => {
      const now = memoryOf(pid);
      if (!now) return;
      this.seen = true;
      this.most.private = Math.max(this.most.private, now.private);
      this.most.mapped = Math.max(this.most.mapped, now.mapped);
    };
    look();
    this.timer = setInterval(look, 25);
  }

  /** Ends watching. The largest of each; undefined where nothing could be seen. */
  stop(): Memory | undefined {
    clearInterval(this.timer);
    return this.seen ? this.most : undefined;
  }
}
