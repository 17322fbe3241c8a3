/** One compiled graph in ONNX Runtime (Node). `run` blocks its thread: engines call it in a worker. */
import { dirname, resolve } from 'node:path';
import type { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { BagpiperError, messageOf } from '../errors.js';
import {
  type DType,
  type Graph,
  type GraphOptions,
  type OnnxOptions,
  type ParameterSource,
  toOnnx,
} from '../graph/index.js';
import type { Device } from './device.js';
import { DeviceValue } from './device-value.js';
import { type Prepared, preparedFolder, preparedGraph, writePrepared } from './prepared.js';
import { forWebgpu, leftNames } from './webgpu.js';

export type Values = Float32Array | BigInt64Array | Int32Array | Uint8Array | Uint16Array;

/** A value that goes into or comes out of a run: elements in row-major order. Inputs are read in place, not copied. */
export interface Value {
  data: Values;
  dims: readonly number[];
}

export interface SessionOptions extends OnnxOptions, GraphOptions {
  /** threads of ONNX Runtime's pool; default: its own choice (one a core) */
  threads?: number;
  /** keep threads spinning between operations: faster when alone on the machine, wasteful beside others. Default false. */
  spin?: boolean;
  /** where the graph runs; what the device lacks runs on the CPU. Default 'cpu'. */
  device?: Device;
  /** outputs stay on the device (WebGPU, or this processor), see {@link Session.runKept} */
  keep?: boolean;
  /** where compiled graphs lie whose weights are mapped from a file; for the CPU */
  prepared?: Prepared;
}

const DTYPES = new Map<DType, OrtTensor.Type>([
  ['float32', 'float32'],
  ['float16', 'float16'],
  ['int64', 'int64'],
  ['int32', 'int32'],
  ['uint8', 'uint8'],
  ['bool', 'bool'],
]);

export class Session {
  private constructor(
    private readonly ort: typeof import('onnxruntime-node'),
    private readonly session: InferenceSession,
    private readonly types: Map<string, OrtTensor.Type>,
  ) {}

  /** Compiles a graph. Errors of ONNX Runtime are passed on with what was being built. */
  static async create(graph: Graph, options: SessionOptions = {}): Promise<Session> {
    const files = graph.constants.flatMap(({ source }) => ('file' in source ? [source.file] : []));
    const { parameters } = options;
    const watched = (name: string): ParameterSource => {
      const source = parameters!(name);
      if ('file' in source) files.push(source.file);
      return source;
    };
    const webgpu = options.device === 'webgpu';
    const given = parameters ? { parameters: watched } : {};
    const bytes = await toOnnx(graph, webgpu ? { ...given, rewrite: forWebgpu } : given);
    const types = new Map<string, OrtTensor.Type>();
    for (const t of [...graph.inputs, ...graph.parameters.values()]) types.set(t.name, DTYPES.get(t.dtype)!);
    const left = webgpu ? leftNames(graph.nodes.flatMap(forWebgpu)) : [];
    return Session.load(bytes, types, folderOf(files), left, options);
  }

  private static async load(
    bytes: Uint8Array,
    types: Map<string, OrtTensor.Type>,
    folder: string | undefined,
    left: readonly string[],
    options: SessionOptions,
  ) {
    const { device = 'cpu', prepared } = options;
    const ort = await import('onnxruntime-node');
    const settings = settingsOf(options, left);
    const open = async (graph: Uint8Array | string, extra: Record<string, string>, more = {}) =>
      ort.InferenceSession.create(graph as string, {
        ...settings,
        ...more,
        extra: { session: { intra_op: { allow_spinning: options.spin ? '1' : '0' }, ...extra } },
      });
    const mapped: Record<string, string> =
      folder === undefined ? {} : { model_external_initializers_file_folder_path: folder };
    try {
      if (prepared === undefined || folder === undefined || device !== 'cpu') {
        return new Session(ort, await open(bytes, mapped), types);
      }
      const place = preparedFolder(prepared, bytes, ort.env.versions.node ?? '');
      const found = preparedGraph(place);
      if (found) {
        // A damaged one is no reason to fail: the weights themselves are there.
        const session = await open(found, {}).catch(() => undefined);
        if (session) return new Session(ort, session, types);
      }
      const session = prepared.make
        ? await writePrepared(place, (path, extra) =>
            open(bytes, { ...mapped, ...extra }, { optimizedModelFilePath: path }),
          )
        : await open(bytes, mapped);
      return new Session(ort, session, types);
    } catch (error) {
      throw new BagpiperError(`ONNX Runtime could not load the network: ${messageOf(error)}`);
    }
  }

  get inputNames(): readonly string[] {
    return this.session.inputNames;
  }

  get outputNames(): readonly string[] {
    return this.session.outputNames;
  }

  /**
   * Runs the graph once and returns its outputs. Inputs that the graph does not use are left aside.
   *
   * @param into outputs that are written over values on the device, perhaps over inputs of this run; they are not returned
   */
  async run(
    inputs: Readonly<Record<string, Value | DeviceValue>>,
    into: Readonly<Record<string, DeviceValue>> = {},
  ): Promise<Record<string, Value>> {
    const fetches = Object.fromEntries(this.session.outputNames.map((name) => [name, into[name]?.tensor ?? null]));
    const results = await this.session.run(this.feeds(inputs), fetches);
    const out: Record<string, Value> = {};
    for (const name of this.session.outputNames) {
      if (into[name]) continue;
      const { data, dims } = results[name];
      out[name] = { data: data as Values, dims };
    }
    return out;
  }

  /** Runs a graph that keeps its outputs on the device. Dispose of them before this session is released. */
  async runKept(inputs: Readonly<Record<string, Value | DeviceValue>>): Promise<Record<string, DeviceValue>> {
    const results = await this.session.run(this.feeds(inputs));
    return Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, new DeviceValue(tensor)]));
  }

  private feeds(inputs: Readonly<Record<string, Value | DeviceValue>>): Record<string, OrtTensor> {
    const feeds: Record<string, OrtTensor> = {};
    for (const name of this.session.inputNames) {
      const value = inputs[name];
      if (!value) throw new Error(`the network's input "${name}" was not given`);
      feeds[name] =
        value instanceof DeviceValue
          ? value.tensor
          : new this.ort.Tensor(this.types.get(name)!, value.data as never, value.dims);
    }
    return feeds;
  }

  /** Frees the compiled graph. The session must not be used afterwards. */
  async release(): Promise<void> {
    await this.session.release();
  }
}

function settingsOf(options: SessionOptions, left: readonly string[]): InferenceSession.SessionOptions {
  const { device = 'cpu' } = options;
  return {
    executionProviders: providers(device, left),
    ...(options.keep && device === 'webgpu' ? { preferredOutputLocation: 'gpu-buffer' as const } : {}),
    graphOptimizationLevel: 'all',
    ...(options.threads ? { intraOpNumThreads: options.threads } : {}),
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  };
}

/** @param left names of nodes that a device must leave to the CPU */
function providers(device: Device, left: readonly string[]): InferenceSession.ExecutionProviderConfig[] {
  if (device === 'cpu') return ['cpu'];
  return [left.length > 0 ? { name: device, forceCpuNodeNames: [...left] } : device, 'cpu'];
}

/** The folder of mapped files; ONNX Runtime takes one. */
function folderOf(files: readonly string[]): string | undefined {
  const folders = [...new Set(files.map((file) => dirname(resolve(file))))];
  if (folders.length > 1) throw new Error(`one network's weights lie in several folders: ${folders.join(', ')}`);
  return folders[0];
}
