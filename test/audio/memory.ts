import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes of arrays and WebAssembly that are still in use. Some are only let go in a later turn of the loop. */
export async function heldBytes(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 4; i++) {
    collect();
    await new Promise((done) => setImmediate(done));
    least = Math.min(least, process.memoryUsage().external);
  }
  return least;
}
