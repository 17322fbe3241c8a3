/**
 * AdamW's arithmetic in WebAssembly SIMD, four single-precision lanes at a time: a plain loop spends four times as long,
 * most of it in double-precision square roots and divisions. Arrays pass through the module's memory in pieces that stay in
 * the processor's cache. The module is assembled here, byte by byte, from the WebAssembly 2.0 specification.
 */

/** Elements of a piece. */
const PIECE = 8192;
const BYTES = 4 * PIECE;
/** Byte offsets of the four arrays in the module's memory. */
const AT = { w: 0, m: BYTES, v: 2 * BYTES, g: 3 * BYTES } as const;

/** The numbers of one update: g is multiplied by `scale`; then w = keep w - rate m / (sqrt v + epsilon). */
export interface AdamWNumbers {
  beta1: number;
  beta2: number;
  scale: number;
  keep: number;
  rate: number;
  epsilon: number;
}

type Run = (
  end: number,
  beta1: number,
  rest1: number,
  beta2: number,
  rest2: number,
  scale: number,
  keep: number,
  rate: number,
  epsilon: number,
) => void;

/** A WebAssembly instance with its views; its memory is scratch, so one serves every optimizer of a thread. */
interface Kernel {
  run: Run;
  w: Float32Array;
  m: Float32Array;
  v: Float32Array;
  g: Float32Array;
}

/** As much of the WebAssembly interface as is used here; TypeScript's own declarations come only with those of a browser. */
interface Wasm {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { exports: { run: Run; memory: { buffer: ArrayBuffer } } };
}

let kernel: Kernel | undefined;

/** Updates parameters w and moments m, v in place by gradient g; all have the same length. */
export function adamW(
  w: Float32Array,
  m: Float32Array,
  v: Float32Array,
  g: Float32Array,
  { beta1, beta2, scale, keep, rate, epsilon }: AdamWNumbers,
): void {
  kernel ??= load();
  for (let start = 0; start < w.length; start += PIECE) {
    const count = Math.min(PIECE, w.length - start);
    const end = start + count;
    kernel.w.set(w.subarray(start, end));
    kernel.m.set(m.subarray(start, end));
    kernel.v.set(v.subarray(start, end));
    kernel.g.set(g.subarray(start, end));
    // Lanes beyond the count work on what lay there before; nobody reads them.
    kernel.run(4 * count, beta1, 1 - beta1, beta2, 1 - beta2, scale, keep, rate, epsilon);
    w.set(kernel.w.subarray(0, count), start);
    m.set(kernel.m.subarray(0, count), start);
    v.set(kernel.v.subarray(0, count), start);
  }
}

function load(): Kernel {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: Wasm }).WebAssembly;
  const { run, memory } = new Instance(new Module(assemble())).exports;
  const view = (offset: number) => new Float32Array(memory.buffer, offset, PIECE);
  return { run, w: view(AT.w), m: view(AT.m), v: view(AT.v), g: view(AT.g) };
}

/** Unsigned LEB128, the encoding of whole numbers in WebAssembly. */
function whole(n: number): number[] {
  return n < 128 ? [n] : [(n & 127) | 128, ...whole(n >>> 7)];
}

const section = (id: number, body: number[]): number[] => [id, ...whole(body.length), ...body];
const text = (s: string): number[] => [s.length, ...new TextEncoder().encode(s)];

const I32 = 0x7f;
const F32 = 0x7d;
const V128 = 0x7b;
const simd = (op: number, ...rest: number[]): number[] => [0xfd, ...whole(op), ...rest];
const ADD = simd(0xe4);
const SUB = simd(0xe5);
const MUL = simd(0xe6);
const DIV = simd(0xe7);
const SQRT = simd(0xe3);
const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const splat = (local: number): number[] => [...get(local), ...simd(0x13)];

/** Locals of `run`: its nine parameters, then the place in bytes and three vectors. */
const L = { end: 0, beta1: 1, rest1: 2, beta2: 3, rest2: 4, scale: 5, keep: 6, rate: 7, epsilon: 8, i: 9 } as const;
const [G, M, V] = [10, 11, 12];
const read = (offset: number): number[] => [...get(L.i), ...simd(0x00, 4, ...whole(offset))];
const write = (offset: number, vector: number[]): number[] => [
  ...get(L.i),
  ...vector,
  ...simd(0x0b, 4, ...whole(offset)),
];

function assemble(): Uint8Array {
  const scaled = [...read(AT.g), ...splat(L.scale), ...MUL, ...set(G)];
  const first = [...read(AT.m), ...splat(L.beta1), ...MUL, ...get(G), ...splat(L.rest1), ...MUL, ...ADD, ...set(M)];
  const squared = [...get(G), ...get(G), ...MUL, ...splat(L.rest2), ...MUL];
  const second = [...read(AT.v), ...splat(L.beta2), ...MUL, ...squared, ...ADD, ...set(V)];
  const move = [...splat(L.rate), ...get(M), ...MUL, ...get(V), ...SQRT, ...splat(L.epsilon), ...ADD, ...DIV];
  const moved = [...read(AT.w), ...splat(L.keep), ...MUL, ...move, ...SUB];
  const next = [...get(L.i), 0x41, 16, 0x6a, 0x22, L.i, ...get(L.end), 0x48]; // i += 16; i < end
  const body = [
    ...[2, 1, I32, 3, V128], // locals
    ...[0x03, 0x40], // loop
    ...[...scaled, ...first, ...second],
    ...[...write(AT.m, get(M)), ...write(AT.v, get(V)), ...write(AT.w, moved)],
    ...[...next, 0x0d, 0], // again
    ...[0x0b, 0x0b], // end of the loop and of the function
  ];
  const pages = Math.ceil((4 * BYTES) / 65536);
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 9, I32, F32, F32, F32, F32, F32, F32, F32, F32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, ...whole(pages)]),
    ...section(7, [2, ...text('run'), 0, 0, ...text('memory'), 2, 0]),
    ...section(10, [1, ...whole(body.length), ...body]),
  ]);
}
