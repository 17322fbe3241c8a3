/**
 * One training graph at work: loss and gradients in one run of ONNX Runtime, AdamW on the parameters. Which data it sees
 * and for how long is its caller's business (loop.ts).
 */
import { type Graph, gradients, type Tensor } from '../graph/index.js';
import { Session, type SessionOptions, type Value } from '../runtime/index.js';
import { AdamW, type AdamWOptions, type StepResult } from './optimizer.js';

export interface TrainerOptions extends AdamWOptions, Pick<SessionOptions, 'threads' | 'spin'> {
  /** parameters that stay as they are, by name */
  frozen?: (name: string) => boolean;
}

/** Scalars of a network on a batch, `loss` among them, and the gradients of its loss by parameter. */
export interface Gradients {
  values: Record<string, number>;
  grads: Map<string, Float32Array>;
}

export interface TrainStep extends StepResult {
  /** every scalar that the network reports, `loss` among them */
  values: Record<string, number>;
}

export class Trainer {
  private constructor(
    private readonly session: Session,
    /** every parameter of the graph, trained or frozen; training changes them in place */
    readonly parameters: ReadonlyMap<string, Float32Array>,
    private readonly inputs: Record<string, Value>,
    private readonly trained: readonly string[],
    readonly optimizer: AdamW,
  ) {}

  /**
   * @param network builds the graph and returns its scalars; `loss` is the one to make small
   * @param values initial parameters by name; each must be there and have the right length
   */
  static async create(
    graph: Graph,
    scalars: { loss: Tensor } & Record<string, Tensor>,
    values: ReadonlyMap<string, Float32Array>,
    options: TrainerOptions = {},
  ): Promise<Trainer> {
    const names = [...graph.parameters.keys()];
    const trained = names.filter((name) => !options.frozen?.(name));
    const grads = gradients(
      scalars.loss,
      trained.map((name) => graph.parameters.get(name)!),
    );
    for (const [name, tensor] of Object.entries(scalars)) graph.output(name, tensor);
    grads.forEach((tensor, i) => {
      graph.output(`grad/${trained[i]}`, tensor);
    });
    const session = await Session.create(graph, { threads: options.threads, spin: options.spin });
    const parameters = new Map<string, Float32Array>();
    const inputs: Record<string, Value> = {};
    for (const name of names) {
      const data = values.get(name);
      const dims = graph.parameters.get(name)!.shape as number[];
      const size = dims.reduce((a, b) => a * b, 1);
      if (data?.length !== size)
        throw new Error(`parameter "${name}" needs ${size} values, got ${data?.length ?? 'none'}`);
      parameters.set(name, data);
      inputs[name] = { data, dims };
    }
    const optimizer = new AdamW(new Map(trained.map((name) => [name, parameters.get(name)!])), options);
    return new Trainer(session, parameters, inputs, trained, optimizer);
  }

  /** Loss and gradients on a batch, without changing anything. */
  async evaluate(batch: Readonly<Record<string, Value>>): Promise<Gradients> {
    const out = await this.session.run({ ...this.inputs, ...batch });
    const values: Record<string, number> = {};
    const grads = new Map<string, Float32Array>();
    for (const [name, { data }] of Object.entries(out)) {
      if (name.startsWith('grad/')) grads.set(name.slice(5), data as Float32Array);
      else values[name] = Number(data[0]);
    }
    return { values, grads };
  }

  /** One step of training. */
  async step(batch: Readonly<Record<string, Value>>, rate: number, clip = 1): Promise<TrainStep> {
    const { values, grads } = await this.evaluate(batch);
    return { values, ...this.optimizer.step(grads, rate, clip) };
  }

  /** Names of the parameters that change. */
  get trainable(): readonly string[] {
    return this.trained;
  }

  async release(): Promise<void> {
    await this.session.release();
  }
}
