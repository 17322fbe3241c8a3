/** Raw results of one part, one JSON object a line, written as they come: an evaluation that was stopped goes on. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

interface Line<T> {
  key: string;
  value: T;
}

export class Results<T> {
  private readonly values = new Map<string, T>();

  /** Reads what an earlier run left; a line that was cut off by its end is dropped. */
  constructor(private readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
    if (!existsSync(path)) return;
    const text = readFileSync(path, 'utf8');
    for (const line of text.split('\n')) {
      const found = parseLine<T>(line);
      if (found) this.values.set(found.key, found.value);
    }
    if (text !== '' && !text.endsWith('\n')) {
      const whole = [...this.values].map(([key, value]) => `${JSON.stringify({ key, value })}\n`);
      writeFileSync(path, whole.join(''));
    }
  }

  get(key: string): T | undefined {
    return this.values.get(key);
  }

  add(key: string, value: T): void {
    this.values.set(key, value);
    appendFileSync(this.path, `${JSON.stringify({ key, value } satisfies Line<T>)}\n`);
  }
}

function parseLine<T>(line: string): Line<T> | null {
  try {
    return JSON.parse(line) as Line<T>;
  } catch {
    return null;
  }
}

/** What {@link fill} tells while it works. */
export type Tell = (done: number, total: number) => void;

/**
 * Makes the results that are not there yet, several at once, and gives all of them in the order of the items.
 * @param keyOf a name that no other item has
 */
export async function fill<Item, T>(
  results: Results<T>,
  items: readonly Item[],
  keyOf: (item: Item) => string,
  make: (item: Item) => Promise<T>,
  { together = 1, tell = () => {} }: { together?: number; tell?: Tell } = {},
): Promise<T[]> {
  const waiting = items.filter((item) => results.get(keyOf(item)) === undefined);
  let next = 0;
  let done = items.length - waiting.length;
  const work = async (): Promise<void> => {
    while (next < waiting.length) {
      const item = waiting[next++];
      results.add(keyOf(item), await make(item));
      tell(++done, items.length);
    }
  };
  await Promise.all(Array.from({ length: together }, work));
  return items.map((item) => results.get(keyOf(item))!);
}
