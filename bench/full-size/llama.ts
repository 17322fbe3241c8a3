/** llama.cpp on a model of the same shape, through node-llama-cpp where someone has installed that (docs/performance.md). */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BagpiperError } from '../../src/errors.js';
import { secondsSince } from '../measure.js';
import type { JobSettings } from './scale.js';

const PACKAGE = 'node-llama-cpp';
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface LlamaRates {
  /** tokens a second: after a single token, reading the long prompt, and after it */
  short: number;
  prefill: number;
  long: number;
}

/** The part of node-llama-cpp that is used. */
interface LlamaModule {
  getLlama(options: object): Promise<{ loadModel(options: object): Promise<LlamaModel> }>;
}
interface LlamaModel {
  createContext(options: object): Promise<{ getSequence(): LlamaSequence }>;
}
interface LlamaSequence {
  evaluateWithoutGeneratingNewTokens(tokens: number[]): Promise<void>;
  evaluate(tokens: number[], options: object): AsyncIterable<number>;
  clearHistory(): Promise<void>;
}

/**
 * The module's file: in the named folder's node_modules, or in the project's own; undefined where it is not installed.
 *
 * @throws BagpiperError where a named folder does not have it
 */
export function findLlama(folder?: string): string | undefined {
  const file = join(resolve(folder ?? ROOT), 'node_modules', PACKAGE, 'dist', 'index.js');
  if (existsSync(file)) return file;
  if (folder === undefined) return undefined;
  throw new BagpiperError(`${folder} has no node_modules/${PACKAGE}; run "npm install ${PACKAGE}" there first.`);
}

export async function llamaRates({ folder, threads, steps, llama: file }: JobSettings): Promise<LlamaRates> {
  const { getLlama } = (await import(pathToFileURL(file!).href)) as LlamaModule;
  const llama = await getLlama({ gpu: false, logLevel: 'error', build: 'never', progressLogs: false });
  const model = await llama.loadModel({ modelPath: folder, useMmap: true });
  const context = await model.createContext({
    contextSize: steps.prompt + 2 * steps.decode,
    batchSize: steps.prompt,
    threads,
  });
  const sequence = context.getSequence();
  const ids = Array.from({ length: steps.prompt }, (_, i) => 5 + i);
  // Brings the weights into memory.
  await decode(sequence, 4);
  await sequence.clearHistory();
  const short = await decode(sequence, steps.decode);
  await sequence.clearHistory();
  const start = performance.now();
  await sequence.evaluateWithoutGeneratingNewTokens(ids);
  const prefill = steps.prompt / secondsSince(start);
  return { short, prefill, long: await decode(sequence, steps.decode) };
}

/** Tokens a second over so many; the first one, which waits for the token that is given, is not counted. */
async function decode(sequence: LlamaSequence, tokens: number): Promise<number> {
  let done = 0;
  let start = 0;
  for await (const _ of sequence.evaluate([3], { temperature: 1, topK: 20, yieldEogToken: true })) {
    if (done === 0) start = performance.now();
    if (++done > tokens) break;
  }
  return tokens / secondsSince(start);
}
