/**
 * Compiled graphs on the disk. ONNX Runtime lays matrices of few bits out anew when it opens them, in private memory. It can
 * write what it made beside the graph and map it from there the next time: then the weights are memory that the system
 * may share and take back. It checks what it maps against the matrices, so a file made by another processor does no harm.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { alignWeights } from './aligned.js';

/** Where compiled graphs lie. */
export interface Prepared {
  /** of one state of one model's weights: the graphs name only places in their file */
  folder: string;
  /** write what is not there yet */
  make?: boolean;
}

const GRAPH = 'graph.onnx';
const WEIGHTS = 'weights';

/** The folder of one compiled graph. */
export function preparedFolder({ folder }: Prepared, graph: Uint8Array, version: string): string {
  return join(folder, createHash('sha256').update(version).update(graph).digest('hex').slice(0, 16));
}

/** The compiled graph in such a folder, where it is there. */
export function preparedGraph(folder: string): string | undefined {
  const path = join(folder, GRAPH);
  return existsSync(path) ? path : undefined;
}

/** Lets `compile` write a compiled graph, which takes its place in one step. */
export async function writePrepared<T>(
  folder: string,
  compile: (graph: string, settings: Record<string, string>) => Promise<T>,
): Promise<T> {
  const aside = `${folder}.${process.pid}.part`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true });
  try {
    const made = await compile(join(aside, GRAPH), {
      save_external_prepacked_constant_initializers: '1',
      optimized_model_external_initializers_file_name: WEIGHTS,
      optimized_model_external_initializers_min_size_in_bytes: '1024',
    });
    await alignWeights(join(aside, GRAPH));
    rmSync(folder, { recursive: true, force: true });
    renameSync(aside, folder);
    return made;
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** Bytes of all compiled graphs in a folder. */
export function preparedBytes(folder: string): number {
  if (!existsSync(folder)) return 0;
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

/** Removes the compiled graphs of other states of the weights, and what a killed process left. */
export function removeOutdated({ folder }: Prepared): void {
  const all = dirname(folder);
  if (!existsSync(all)) return;
  for (const name of readdirSync(all)) if (join(all, name) !== folder) rmSync(join(all, name), { recursive: true });
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (name.endsWith('.part')) rmSync(join(folder, name), { recursive: true });
}
