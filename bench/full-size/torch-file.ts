/**
 * Writes a checkpoint as `torch.save` does: a zip archive of stored entries with a pickle (protocol 2) of
 * `{"module": OrderedDict of tensors}` and one entry a storage. Zip64 throughout, as the whole is larger than 4 GiB.
 * Formats: PKWARE's APPNOTE 6.3.10; Python's pickletools; torch/serialization.py (names of entries and of classes).
 */
import { closeSync, openSync, renameSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** A tensor to write; `pieces` gives its little-endian bytes in order. */
export interface TorchTensor {
  name: string;
  shape: readonly number[];
  dtype: 'bfloat16' | 'float32';
  pieces: () => Iterable<Uint8Array>;
}

const STORAGE = { bfloat16: 'BFloat16Storage', float32: 'FloatStorage' } as const;
const BYTES = { bfloat16: 2, float32: 4 } as const;
const ROOT = 'checkpoint';
/** Where storages begin, so that they can be mapped. */
const ALIGNMENT = 64;

const elements = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** @param progress called with the bytes written so far */
export function writeTorchFile(
  path: string,
  tensors: readonly TorchTensor[],
  progress: (bytes: number) => void = () => {},
): void {
  const part = `${path}.part`;
  const zip = new ZipWriter(openSync(part, 'w'));
  zip.entry(`${ROOT}/data.pkl`, [pickle(tensors)]);
  zip.entry(`${ROOT}/byteorder`, [Buffer.from('little')]);
  tensors.forEach(({ pieces }, i) => {
    zip.entry(`${ROOT}/data/${i}`, pieces());
    progress(zip.bytes);
  });
  zip.entry(`${ROOT}/version`, [Buffer.from('3\n')]);
  zip.close();
  renameSync(part, path);
}

/** The state dict as a pickle: opcodes and their arguments, one after the other. */
function pickle(tensors: readonly TorchTensor[]): Uint8Array {
  const out: Uint8Array[] = [];
  const op = (...bytes: number[]) => out.push(Uint8Array.from(bytes));
  const line = (code: string, ...lines: string[]) =>
    out.push(Buffer.from(code + lines.map((l) => `${l}\n`).join(''), 'latin1'));
  const text = (value: string) => {
    const bytes = Buffer.from(value);
    const head = Buffer.alloc(5);
    head[0] = 0x58; // BINUNICODE
    head.writeUInt32LE(bytes.length, 1);
    out.push(head, bytes);
  };
  const whole = (value: number) => {
    const bytes = Buffer.alloc(10);
    bytes[0] = 0x8a; // LONG1
    bytes[1] = 8;
    bytes.writeBigInt64LE(BigInt(value), 2);
    out.push(bytes);
  };
  const tuple = (values: readonly number[]) => {
    op(0x28); // MARK
    for (const value of values) whole(value);
    op(0x74); // TUPLE
  };
  const ordered = () => {
    line('c', 'collections', 'OrderedDict');
    op(0x29, 0x52); // EMPTY_TUPLE REDUCE
  };
  op(0x80, 2, 0x7d); // PROTO 2, EMPTY_DICT
  text('module');
  ordered();
  op(0x28);
  tensors.forEach(({ name, shape, dtype }, i) => {
    const strides = shape.map((_, k) => elements(shape.slice(k + 1)));
    text(name);
    line('c', 'torch._utils', '_rebuild_tensor_v2');
    op(0x28, 0x28); // the call's arguments, the storage's id
    text('storage');
    line('c', 'torch', STORAGE[dtype]);
    text(String(i));
    text('cpu');
    whole(elements(shape));
    op(0x74, 0x51); // TUPLE BINPERSID
    whole(0);
    tuple(shape);
    tuple(strides);
    op(0x89); // NEWFALSE: requires_grad
    ordered();
    op(0x74, 0x52); // TUPLE REDUCE
  });
  op(0x75, 0x73, 0x2e); // SETITEMS, SETITEM, STOP
  return Buffer.concat(out);
}

/** Bytes of an element type. */
export const bytesOf = (tensor: Pick<TorchTensor, 'shape' | 'dtype'>): number =>
  elements(tensor.shape) * BYTES[tensor.dtype];

interface Entry {
  name: Buffer;
  crc: number;
  size: number;
  at: number;
}

/** Stored entries with zip64 sizes in data descriptors, then the central directory. */
class ZipWriter {
  bytes = 0;
  private readonly entries: Entry[] = [];

  constructor(private readonly file: number) {}

  entry(name: string, pieces: Iterable<Uint8Array>): void {
    const entry: Entry = { name: Buffer.from(name), crc: 0, size: 0, at: this.bytes };
    const head = Buffer.alloc(30);
    head.writeUInt32LE(0x04034b50, 0);
    head.writeUInt16LE(45, 4);
    head.writeUInt16LE(8, 6); // sizes follow the data
    head.writeUInt32LE(0xffffffff, 18);
    head.writeUInt32LE(0xffffffff, 22);
    head.writeUInt16LE(entry.name.length, 26);
    const padding = (ALIGNMENT - ((this.bytes + 30 + entry.name.length + 20 + 4) % ALIGNMENT)) % ALIGNMENT;
    head.writeUInt16LE(20 + 4 + padding, 28);
    const extra = Buffer.alloc(20 + 4 + padding);
    extra.writeUInt16LE(1, 0); // zip64
    extra.writeUInt16LE(16, 2);
    extra.write('FB', 20, 'latin1'); // padding, as torch writes it
    extra.writeUInt16LE(padding, 22);
    this.write(head, entry.name, extra);
    for (const piece of pieces) {
      entry.crc = crc32(piece, entry.crc);
      entry.size += piece.byteLength;
      this.write(piece);
    }
    const tail = Buffer.alloc(24);
    tail.writeUInt32LE(0x08074b50, 0);
    tail.writeUInt32LE(entry.crc, 4);
    tail.writeBigUInt64LE(BigInt(entry.size), 8);
    tail.writeBigUInt64LE(BigInt(entry.size), 16);
    this.write(tail);
    this.entries.push(entry);
  }

  close(): void {
    const start = this.bytes;
    for (const { name, crc, size, at } of this.entries) {
      const head = Buffer.alloc(46);
      head.writeUInt32LE(0x02014b50, 0);
      head.writeUInt16LE(45, 4);
      head.writeUInt16LE(45, 6);
      head.writeUInt16LE(8, 8);
      head.writeUInt32LE(crc, 16);
      head.fill(0xff, 20, 28);
      head.writeUInt16LE(name.length, 28);
      head.writeUInt16LE(28, 30);
      head.writeUInt32LE(0xffffffff, 42);
      const extra = Buffer.alloc(28);
      extra.writeUInt16LE(1, 0);
      extra.writeUInt16LE(24, 2);
      extra.writeBigUInt64LE(BigInt(size), 4);
      extra.writeBigUInt64LE(BigInt(size), 12);
      extra.writeBigUInt64LE(BigInt(at), 20);
      this.write(head, name, extra);
    }
    const end = this.bytes;
    const end64 = Buffer.alloc(56 + 20 + 22);
    end64.writeUInt32LE(0x06064b50, 0);
    end64.writeBigUInt64LE(44n, 4);
    end64.writeUInt16LE(45, 12);
    end64.writeUInt16LE(45, 14);
    end64.writeBigUInt64LE(BigInt(this.entries.length), 24);
    end64.writeBigUInt64LE(BigInt(this.entries.length), 32);
    end64.writeBigUInt64LE(BigInt(end - start), 40);
    end64.writeBigUInt64LE(BigInt(start), 48);
    end64.writeUInt32LE(0x07064b50, 56);
    end64.writeBigUInt64LE(BigInt(end), 64);
    end64.writeUInt32LE(1, 72);
    end64.writeUInt32LE(0x06054b50, 76);
    end64.fill(0xff, 84, 96);
    this.write(end64);
    closeSync(this.file);
  }

  private write(...parts: Uint8Array[]): void {
    for (const part of parts) {
      for (let done = 0; done < part.byteLength; ) done += writeSync(this.file, part, done);
      this.bytes += part.byteLength;
    }
  }
}
