/** Torch files (`.pt`, `.pth`, `.bin`): a zip archive of a pickle and one stored entry per storage. */
import { BagpiperError } from '../../errors.js';
import { bytesOf, DTYPES, type DType } from '../dtype.js';
import { bytesSource, fileSource, type ReadRange, type Source } from '../range.js';
import {
  checkRange,
  type LoadedTensor,
  loadTensor,
  type StoredTensor,
  storedTensor,
  type TensorFile,
} from '../stored.js';
import { countOf, gather, isContiguous, type Layout, problemOf } from './layout.js';
import { unpickle } from './pickle.js';
import { WeightsPython } from './python.js';
import { findStateDict } from './state-dict.js';
import type { PyTensor } from './values.js';
import { type Fail, type Place, placeOf, quote, readZip, type Zip } from './zip.js';

/** Pickles of published models have some hundred kilobytes. */
const MAX_PICKLE = 64 * 2 ** 20;
/** A tensor that repeats its numbers (zero strides) may be larger than its file, but only up to this. */
const MAX_REPEATED = 64 * 2 ** 20;
/** Names may share storages, yet a file that claims this many times its size is a trap for whoever converts it. */
const MAX_SHARING = 16;

const LEGACY_MAGIC = Uint8Array.of(0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19);

/**
 * Opens a torch file: only the zip directory, the pickle and the headers of storages are read now, whatever the file's size.
 *
 * @throws BagpiperError where the file is missing, damaged, of the old format, or holds more than weights.
 */
export function openTorch(path: string): TensorFile {
  return open(fileSource(path, 'a PyTorch file'));
}

/** The same of bytes in memory. @param file names them in messages */
export function readTorch(bytes: Uint8Array, file = 'The given bytes'): TensorFile {
  return open(bytesSource(bytes, file));
}

/** Tensors by name, and the ways through their storages of those that do not lie row-major. */
interface Described {
  tensors: Map<string, StoredTensor>;
  layouts: Map<string, Layout>;
}

class TorchFile implements TensorFile {
  readonly file: string;

  constructor(
    private readonly source: Source,
    readonly tensors: ReadonlyMap<string, StoredTensor>,
    private readonly layouts: ReadonlyMap<string, Layout>,
    readonly metadata: ReadonlyMap<string, string>,
    readonly skipped: readonly string[],
  ) {
    this.file = source.file;
  }

  bytes(name: string, start = 0, end?: number): Uint8Array {
    const tensor = storedTensor(this.tensors, name, this.file);
    const stop = end ?? tensor.byteLength;
    checkRange(tensor, start, stop);
    const layout = this.layouts.get(name);
    const first = tensor.byteOffset ?? 0;
    return this.source.use((read) =>
      layout === undefined ? read(first + start, stop - start) : gather(layout, start, stop, read),
    );
  }

  tensor(name: string): LoadedTensor {
    return loadTensor(storedTensor(this.tensors, name, this.file), this.bytes(name));
  }
}

function open(source: Source): TensorFile {
  const { file, size } = source;
  const fail: Fail = (problem) => new BagpiperError(`${file} is not a usable PyTorch file: ${problem}.`);
  return source.use((read) => {
    requireZip(read(0, Math.min(size, 64)), file);
    const zip = readZip(read, size, fail);
    const root = findRoot(zip, file, fail);
    const place = (name: string): Place => {
      const entry = zip.entries.get(`${root}/${name}`);
      if (entry === undefined) throw fail(`its zip archive lacks ${quote(`${root}/${name}`)}`);
      return placeOf(entry, zip, read, fail);
    };
    requireLittleEndian(zip, root, place, read, fail);
    const storages: (Place & { key: string })[] = [];
    const python = new WeightsPython(
      file,
      (key) => {
        const found = place(`data/${key}`);
        storages.push({ ...found, key });
        return found;
      },
      fail,
    );
    const { start, length } = place('data.pkl');
    if (length > MAX_PICKLE) throw fail(`its data.pkl has ${length} bytes; up to ${MAX_PICKLE} are accepted`);
    const found = findStateDict(unpickle(read(start, length), python, fail), file);
    requireApart(storages, fail);
    const { tensors, layouts } = describe(found.tensors, source, fail);
    return new TorchFile(source, tensors, layouts, found.metadata, found.skipped);
  });
}

function requireZip(head: Uint8Array, file: string): void {
  const zip = head[0] === 0x50 && head[1] === 0x4b;
  if (zip) return;
  if (head.length === 0) throw new BagpiperError(`${file} is empty; a PyTorch file is expected there.`);
  const at = head.findIndex((_, i) => i < 16 && LEGACY_MAGIC.every((byte, k) => head[i + k] === byte));
  if (at >= 0) {
    throw new BagpiperError(
      `${file} is in PyTorch's old format from before version 1.6, which is not read; save it again in Python: torch.save(torch.load("old.pt", map_location="cpu"), "new.pt").`,
    );
  }
  const what = head[0] === 0x80 ? 'a bare Python pickle' : 'no PyTorch file';
  throw new BagpiperError(
    `${file} is ${what}; a zip archive that torch.save (version 1.6 or later) wrote is expected.`,
  );
}

/** The one folder in the archive; its name was the file's when it was saved. */
function findRoot(zip: Zip, file: string, fail: Fail): string {
  const roots = [...zip.entries.keys()]
    .filter((name) => /^[^/]+\/data\.pkl$/.test(name))
    .map((name) => name.slice(0, -9));
  if (roots.length !== 1) throw fail(`its zip archive has ${roots.length} folders with a data.pkl instead of one`);
  if (zip.entries.has(`${roots[0]}/constants.pkl`)) {
    throw new BagpiperError(
      `${file} is a TorchScript program, which is not read; save its weights in Python: torch.save(torch.jit.load("program.pt").state_dict(), "weights.pt").`,
    );
  }
  return roots[0];
}

/** Files from before PyTorch 2.1 do not say; all machines that wrote them were little-endian but for a few. */
function requireLittleEndian(
  zip: Zip,
  root: string,
  place: (name: string) => Place,
  read: ReadRange,
  fail: Fail,
): void {
  if (!zip.entries.has(`${root}/byteorder`)) return;
  const { start, length } = place('byteorder');
  const order = new TextDecoder().decode(read(start, Math.min(length, 16)));
  if (order !== 'little') throw fail(`its byte order is ${quote(order)}; save it again on a little-endian machine`);
}

/** Storages that overlap in the archive are how tiny files pretend to be huge. */
function requireApart(storages: (Place & { key: string })[], fail: Fail): void {
  let end = 0;
  for (const { key, start, length } of storages.sort((a, b) => a.start - b.start)) {
    if (start < end) throw fail(`its storage ${quote(key)} overlaps another one`);
    end = start + length;
  }
}

function describe(found: ReadonlyMap<string, PyTensor>, source: Source, fail: Fail): Described {
  const most = Math.max(source.size, MAX_REPEATED);
  const described: Described = { tensors: new Map(), layouts: new Map() };
  let total = 0;
  for (const [name, tensor] of found) {
    const dtype = DTYPES.find((known) => known === tensor.dtype);
    if (dtype === undefined) {
      throw fail(`tensor ${quote(name)} has the number format ${tensor.dtype}; accepted are ${DTYPES.join(', ')}`);
    }
    const layout = layoutOf(tensor, dtype, (problem) => fail(`tensor ${quote(name)} ${problem}`));
    const byteLength = countOf(layout.shape) * layout.width;
    if (byteLength > most) throw fail(`tensor ${quote(name)} claims ${byteLength} bytes, more than the whole file`);
    total += byteLength;
    if (total > MAX_SHARING * most) throw fail(`its tensors claim more than ${MAX_SHARING} times its size`);
    const info: StoredTensor = { name, dtype, shape: layout.shape, file: source.file, byteLength };
    if (isContiguous(layout)) info.byteOffset = layout.start + (byteLength === 0 ? 0 : layout.offset * layout.width);
    else described.layouts.set(name, layout);
    described.tensors.set(name, info);
  }
  return described;
}

function layoutOf({ storage, offset, shape, strides }: PyTensor, dtype: DType, fail: Fail): Layout {
  const width = bytesOf(dtype);
  const problem = problemOf(shape, strides, offset, Math.floor(storage.place.length / width));
  if (problem !== undefined) throw fail(problem);
  // The check has established that these are numbers; the lists are not copied, since many tensors may share one.
  const [sizes, steps] = [shape as number[], strides as number[]];
  return { shape: sizes, strides: steps, offset: offset as number, width, start: storage.place.start };
}
