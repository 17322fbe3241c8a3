/** Which models this machine will manage. */
import { totalmem } from 'node:os';
import type { BagpiperConfig } from '../model/config.js';
import { type ModelTensor, memoryNeeded, plainDecoderBytes } from '../model/memory.js';
import { DEFAULT_STORAGE } from '../model/storage.js';

/** Share of a machine's memory that a model may take. */
const SHARE = 0.8;
/** Plain decoders beyond this are not loaded (engine/core.ts). */
const MOST_PLAIN_BYTES = 2e9;

/**
 * One sentence on what this machine will manage.
 *
 * @param runnable whether the files can be run as they are; published ones are converted first
 * @param has the machine's memory in bytes
 */
export function verdict(
  tensors: readonly ModelTensor[],
  config: BagpiperConfig,
  runnable = true,
  has = machineMemory(),
): string {
  const size = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
  const fits = (bytes: number): boolean => bytes <= SHARE * has;
  const plain = plainDecoderBytes(tensors);
  if (runnable && plain <= MOST_PLAIN_BYTES && fits(memoryNeeded(tensors, config))) {
    return `${size(has)} of memory: runs as it is`;
  }
  const problem = runnable ? 'too large as it is' : 'must be converted once';
  const ways = (['none', 'q8', 'q4'] as const).flatMap((quantize) => {
    if (quantize === 'none' && (runnable || plain > MOST_PLAIN_BYTES)) return [];
    const bytes = memoryNeeded(tensors, config, { ...DEFAULT_STORAGE, quantize });
    return plain > 0 && fits(bytes) ? [`${quantize} (about ${size(bytes)})`] : [];
  });
  const advice =
    ways.length > 0
      ? `bagpiper convert --quantize ${ways.join(' or ')} makes a model that runs`
      : 'it needs a larger machine, or a server';
  return `${size(has)} of memory: ${problem}; ${advice}`;
}

function machineMemory(): number {
  const limit = process.constrainedMemory?.() ?? 0;
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
