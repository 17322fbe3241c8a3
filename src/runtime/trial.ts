/** A program of its own: opens the device that is named and prints as JSON whether it computes. See device.ts. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { messageOf } from '../errors.js';
import { add, Graph } from '../graph/index.js';
import type { Device } from './device.js';
import { Session } from './session.js';

const INTERFACES: Partial<Record<NodeJS.Platform, string>> = { linux: 'Vulkan', darwin: 'Metal', win32: 'Direct3D 12' };

async function tryDevice(device: Device): Promise<{ works: boolean; about: string }> {
  const no = (about: string) => ({ works: false, about });
  const { listSupportedBackends } = await import('onnxruntime-node');
  if (!listSupportedBackends().some(({ name }) => name === device)) {
    return no(`ONNX Runtime for ${process.platform} on ${process.arch} is built without it`);
  }
  if (device === 'cuda' && !existsSync(cudaLibrary())) {
    return no(
      `ONNX Runtime's library for CUDA is not installed, which "ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node" fetches`,
    );
  }
  const through = INTERFACES[process.platform];
  try {
    const sum = await twoAndThree(device);
    if (sum !== 5) return no(`2 + 3 gave ${sum}`);
    return {
      works: true,
      about: device === 'webgpu' && through ? `opens and computes through ${through}` : 'opens and computes',
    };
  } catch (error) {
    const message = messageOf(error);
    if (device === 'webgpu' && message.includes('WebGPU adapter')) {
      return no(
        `no graphics driver answers${through ? ` through ${through}` : ''}; install the graphics processor's driver`,
      );
    }
    return no(message.replace(/\.$/, ''));
  }
}

/** Fetched by onnxruntime-node's own installer, not part of the package. */
function cudaLibrary(): string {
  const main = createRequire(import.meta.url).resolve('onnxruntime-node');
  const folder = join(dirname(main), '..', 'bin', 'napi-v6', process.platform, process.arch);
  const windows = process.platform === 'win32';
  return join(folder, windows ? 'onnxruntime_providers_cuda.dll' : 'libonnxruntime_providers_cuda.so');
}

async function twoAndThree(device: Device): Promise<number> {
  const graph = new Graph();
  graph.output('sum', add(graph.input('a', 'float32', [1]), graph.input('b', 'float32', [1])));
  const session = await Session.create(graph, { threads: 1, device });
  const of = (x: number) => ({ data: Float32Array.of(x), dims: [1] });
  const { sum } = await session.run({ a: of(2), b: of(3) });
  await session.release();
  return Number(sum.data[0]);
}

console.log(JSON.stringify(await tryDevice(process.argv[2] as Device)));
