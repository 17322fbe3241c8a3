/** A thread of {@link Replicas}: holds one replica, and evaluates its batch of each step that it is asked for. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ReplicaMaker, ReplicaPlace } from './replicas.js';

/** What the thread is started with. */
export interface ReplicaJob {
  /** URL of the module with `makeReplica` */
  module: string;
  data: unknown;
  /** names and lengths of the parameters in their order */
  layout: { name: string; length: number }[];
  /** shared: read before each step */
  parameters: Float32Array;
  /** shared: written by each step, in the same layout; 0 where a parameter has no gradient */
  gradients: Float32Array;
  place: ReplicaPlace;
}

/** What it answers: once when it is ready, then for each step. */
export interface ReplicaAnswer {
  values: Record<string, number>;
  tokens: number;
}

const port = parentPort;
if (!port) throw new Error('this module runs as a worker thread only');
const job = workerData as ReplicaJob;

// ONNX Runtime reads no shared memory, so each step begins with a copy.
const parameters = new Map(job.layout.map(({ name, length }) => [name, new Float32Array(length)]));
const module = (await import(job.module)) as { makeReplica: ReplicaMaker<unknown> };
const replica = await module.makeReplica(job.data, parameters, job.place);

/** Each parameter's name with the part of a shared array that is its own. */
function* parts(all: Float32Array): Generator<[string, Float32Array]> {
  let at = 0;
  for (const { name, length } of job.layout) {
    yield [name, all.subarray(at, at + length)];
    at += length;
  }
}

async function evaluate(step: number): Promise<ReplicaAnswer> {
  for (const [name, values] of parts(job.parameters)) parameters.get(name)!.set(values);
  const { values, grads, tokens } = await replica.evaluate(step);
  for (const [name, own] of parts(job.gradients)) {
    const grad = grads.get(name);
    if (grad) own.set(grad);
    else own.fill(0);
  }
  return { values, tokens };
}

port.on('message', (step: number | null) => {
  if (step === null) return port.close();
  // A failure is thrown where the parent hears it: as the thread's error.
  evaluate(step).then(
    (answer) => port.postMessage(answer),
    (error: unknown) =>
      setImmediate(() => {
        throw error;
      }),
  );
});
port.postMessage({ values: {}, tokens: 0 } satisfies ReplicaAnswer);
