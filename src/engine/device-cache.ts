/**
 * Keys and values in the memory of a graphics processor (WebGPU). The decoding graph writes its new rows over the cache that
 * it reads, behind what each slot holds, where the mask lets nobody see them yet; so nothing of the cache travels, and a
 * step uploads only its rows. What else happens to a cache is a graph too, and done when the next step needs it.
 */
import { Graph } from '../graph/index.js';
import type { DecoderSizes } from '../nn/index.js';
import { type DeviceValue, Session, type SessionOptions, type Value } from '../runtime/index.js';
import { type Inputs, type Place, RowCache } from './row-cache.js';

const whole = (...numbers: number[]): BigInt64Array => BigInt64Array.from(numbers, BigInt);

/** The graphs that move a cache's numbers about; all caches of a decoder share them. */
export class CacheTools {
  private constructor(
    private readonly growing: Session,
    private readonly taking: Session,
    private readonly putting: Session,
  ) {}

  static async create({ device, threads }: SessionOptions): Promise<CacheTools> {
    const kept = { device, threads, keep: true };
    return new CacheTools(
      await Session.create(growingGraph(), kept),
      await Session.create(takingGraph(), kept),
      await Session.create(puttingGraph(), { device, threads }),
    );
  }

  /** x [a, b, c, d] with zeros behind it, `more` on each axis. */
  async grown(x: DeviceValue | Value, more: readonly number[]): Promise<DeviceValue> {
    const pads = { data: whole(0, 0, 0, 0, ...more), dims: [8] };
    return (await this.growing.runKept({ x, pads })).y;
  }

  /** Neighbouring slots of x [slots, ...]: [count, ...]. */
  async taken(x: DeviceValue, slot: number, count: number): Promise<DeviceValue> {
    const index = { data: whole(...Array.from({ length: count }, (_, i) => slot + i)), dims: [count] };
    return (await this.taking.runKept({ x, index })).y;
  }

  /** Writes [count, ...] over neighbouring slots of x [slots, ...]. */
  async put(x: DeviceValue, slot: number, lines: DeviceValue): Promise<void> {
    const count = lines.dims[0];
    const index = { data: whole(...Array.from({ length: count }, (_, i) => slot + i)), dims: [count, 1] };
    await this.putting.run({ x, index, lines }, { y: x });
  }

  async release(): Promise<void> {
    for (const session of [this.growing, this.taking, this.putting]) await session.release();
  }
}

function growingGraph(): Graph {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['a', 'b', 'c', 'd']);
  const pads = graph.input('pads', 'int64', [8]);
  graph.output('y', graph.add('Pad', [x, pads], [{ dtype: 'float32', shape: ['e', 'f', 'g', 'h'] }])[0]);
  return graph;
}

function takingGraph(): Graph {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['slots', 'a', 'b', 'c']);
  const index = graph.input('index', 'int64', ['count']);
  const shape = ['count', 'a', 'b', 'c'];
  graph.output('y', graph.add('Gather', [x, index], [{ dtype: 'float32', shape }], { axis: { int: 0 } })[0]);
  return graph;
}

function puttingGraph(): Graph {
  const graph = new Graph();
  const x = graph.input('x', 'float32', ['slots', 'a', 'b', 'c']);
  const index = graph.input('index', 'int64', ['count', 1]);
  const lines = graph.input('lines', 'float32', ['count', 'a', 'b', 'c']);
  graph.output('y', graph.add('ScatterND', [x, index, lines], [{ dtype: 'float32', shape: x.shape }])[0]);
  return graph;
}

export class DeviceCache extends RowCache {
  /** keys of each layer [slots, kvHeads, headDim, capacity], then values of each [slots, kvHeads, capacity, headDim] */
  private tensors: DeviceValue[] = [];
  /** what `tensors` have room for; `rows` and `lengths` say what they must have */
  private held = { slots: 0, rows: 0 };
  private stale: DeviceValue[] = [];
  private orders: (() => Promise<void>)[] = [];

  constructor(
    sizes: DecoderSizes,
    private readonly tools: CacheTools,
  ) {
    super(sizes);
  }

  override async ready(): Promise<void> {
    await this.fit();
    for (let order = this.orders.shift(); order; order = this.orders.shift()) await order();
  }

  /** The graph writes the new rows itself. Slots that do not begin with the first are taken out and put back. */
  async step(session: Session, inputs: Inputs, place: Place): Promise<Inputs> {
    const { slot, slots } = place;
    const { tools, tensors } = this;
    const used: DeviceValue[] = [];
    for (const tensor of tensors) {
      used.push(slot === 0 ? tensor.view([slots, ...tensor.dims.slice(1)]) : await tools.taken(tensor, slot, slots));
    }
    const names = tensors.map((_, i) => this.name(i));
    const out = await session.run(
      { ...inputs, ...this.places(place), ...Object.fromEntries(names.map((name, i) => [name, used[i]])) },
      Object.fromEntries(names.map((name, i) => [`${name}.after`, used[i]])),
    );
    if (slot > 0) {
      for (const [i, tensor] of tensors.entries()) await tools.put(tensor, slot, used[i]);
      for (const each of used) each.dispose();
    }
    return out;
  }

  append(slot: number, count: number): void {
    this.setLength(slot, this.lengths[slot] + count);
  }

  override async release(): Promise<void> {
    this.drop();
    this.disposeStale();
  }

  protected grow(): void {
    // Done by `fit`, when it is needed.
  }

  /** The whole slot is copied: one line of numbers, whatever it holds. */
  protected copyRows(from: this, fromSlot: number, slot: number): void {
    this.orders.push(async () => {
      if (from !== this) {
        from.reserve(0, this.rows);
        await from.ready();
        this.reserve(0, from.rows);
        await this.fit();
      }
      for (const [i, tensor] of this.tensors.entries()) {
        const line = await this.tools.taken(from.tensors[i], fromSlot, 1);
        await this.tools.put(tensor, slot, line);
        line.dispose();
      }
    });
  }

  protected drop(): void {
    this.stale.push(...this.tensors);
    this.tensors = [];
    this.held = { slots: 0, rows: 0 };
    this.orders = [];
  }

  /** Gives the tensors the room that they must have. */
  private async fit(): Promise<void> {
    this.disposeStale();
    const { held, rows } = this;
    const slots = this.lengths.length;
    if (slots === held.slots && rows === held.rows) return;
    const { kvHeads: kv, headDim: dim, layers } = this.sizes;
    const start = held.rows > 0 ? held : { slots: 1, rows: 1 };
    const more = [slots - start.slots, rows - start.rows];
    for (let i = 0; i < 2 * layers; i++) {
      const keys = i < layers;
      const dims = keys ? [1, kv, dim, 1] : [1, kv, 1, dim];
      const old: DeviceValue | undefined = this.tensors[i];
      const pads = keys ? [more[0], 0, 0, more[1]] : [more[0], 0, more[1], 0];
      this.tensors[i] = await this.tools.grown(old ?? { data: new Float32Array(kv * dim), dims }, pads);
      old?.dispose();
    }
    this.held = { slots, rows };
  }

  private disposeStale(): void {
    for (const tensor of this.stale) tensor.dispose();
    this.stale = [];
  }

  private name(i: number): string {
    const { layers } = this.sizes;
    return i < layers ? `keys.${i}` : `values.${i - layers}`;
  }

  /** Where new rows go: their columns, as `at.keys` [slots, kv, headDim, count] and `at.values` [slots, kv, count, headDim]. */
  private places({ slot, slots, count }: Place): Inputs {
    const { kvHeads: kv, headDim: dim } = this.sizes;
    const size = slots * kv * dim * count;
    const [keys, values] = [new BigInt64Array(size), new BigInt64Array(size)];
    // Columns are small: the lower halves of the numbers are enough, and much faster to write.
    const [k, v] = [new Int32Array(keys.buffer), new Int32Array(values.buffer)];
    for (let s = 0, at = 0; s < slots; s++) {
      const first = this.lengths[slot + s];
      for (let line = 0; line < kv * dim; line++) {
        for (let t = 0; t < count; t++, at += 2) k[at] = first + t;
      }
      for (let h = 0, from = 2 * s * kv * dim * count; h < kv; h++) {
        for (let t = 0; t < count; t++) {
          for (let d = 0; d < dim; d++, from += 2) v[from] = first + t;
        }
      }
    }
    return {
      'at.keys': { data: keys, dims: [slots, kv, dim, count] },
      'at.values': { data: values, dims: [slots, kv, count, dim] },
    };
  }
}
