import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openTorch, readTorch } from '../../../src/weights/index.js';
import { code, type Entry, pickle, torchFile, writeSparse, zip } from './archive.js';

const { call, dict, file, integer, name, storage, tensor, text, tuple } = pickle;
const folder = mkdtempSync(join(tmpdir(), 'torch-'));
afterAll(() => rmSync(folder, { recursive: true }));

const eight = new Uint8Array(32).map((_, i) => i);
const floats = storage('0', 'FloatStorage', 8);
const vector = tensor(floats, 0, [8], [1]);
const good = file(dict(['w', vector]));

function refusal(words: RegExp | string): unknown {
  const message = (typeof words === 'string' ? expect.stringContaining(words) : expect.stringMatching(words)) as string;
  return expect.objectContaining({ name: 'BagpiperError', message });
}

/** Checks what is said of a file, in memory and on disk. */
function refused(bytes: Uint8Array, words: RegExp | string): void {
  expect(() => readTorch(bytes, 'w.pt')).toThrow(refusal(words));
  const path = join(folder, 'w.pt');
  writeFileSync(path, bytes);
  expect(() => openTorch(path)).toThrow(refusal(words));
}

const weights = (value: readonly number[]): Entry[] => torchFile(file(value), { 0: eight });

it('reads what these tests build, so that their lies are all that is wrong', () => {
  const read = readTorch(zip(torchFile(good, { 0: eight })));
  expect(read.tensors.get('w')).toMatchObject({ dtype: 'F32', shape: [8], byteLength: 32 });
  expect(Buffer.from(read.bytes('w')).equals(eight)).toBe(true);
});

describe('no archive', () => {
  const legacy = [0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e];
  it.each<[string, number[], string]>([
    ['nothing', [], 'is empty'],
    ['text', code('<!doctype html>'), 'is no PyTorch file'],
    ['a pickle', [0x80, 4, 0x4e, 0x2e], 'a bare Python pickle'],
    ['the old format', legacy, 'torch.save(torch.load('],
    ['two letters', code('PK'), 'has no end; was it downloaded completely?'],
    ['an empty archive', [...zip([])], '0 folders with a data.pkl'],
  ])('%s', (_, bytes, words) => refused(Uint8Array.from(bytes), words));

  it('a missing file, a folder', () => {
    expect(() => openTorch(join(folder, 'none.pt'))).toThrow(refusal('none.pt does not exist'));
    expect(() => openTorch(folder)).toThrow(refusal('a PyTorch file is expected'));
  });
});

describe('an archive that lies', () => {
  const entries = torchFile(good, { 0: eight });
  const changed = (index: number, change: Partial<Entry>): Uint8Array =>
    zip(entries.map((entry, i) => (i === index ? { ...entry, ...change } : entry)));

  it.each<[string, Uint8Array, RegExp | string]>([
    ['an entry twice', zip([...entries, entries[1]]), 'has "m/data/0" twice'],
    ['an encrypted entry', changed(1, { claims: { flags: 1 } }), '"m/data/0" in its zip archive is encrypted'],
    ['a compressed entry', changed(1, { claims: { method: 8 } }), 'is compressed, which torch.save never does'],
    ['a bomb of a pickle', changed(0, { claims: { method: 8, size: 2 ** 40 } }), 'is compressed'],
    ['sizes that differ', changed(1, { claims: { size: 2 ** 40 } }), 'is compressed'],
    ['data beyond the end', changed(1, { claims: { size: 64, packed: 64 } }), 'lies outside'],
    ['huge data', changed(1, { claims: { size: 2 ** 52, packed: 2 ** 52 } }), 'lies outside'],
    ['a header beyond the end', changed(1, { claims: { header: 2 ** 52 } }), 'lies outside'],
    ['a header elsewhere', changed(1, { claims: { header: 1 } }), 'contradicts the directory'],
    ['another name inside', changed(1, { localName: 'm/data/1' }), 'contradicts the directory'],
    ['the same bytes for two entries', changed(1, { claims: { header: 0 } }), 'contradicts the directory'],
    ['a name that climbs', changed(1, { name: 'm/../../etc/passwd' }), 'could lead out of a folder'],
    ['an absolute name', changed(1, { name: '/etc/passwd' }), 'could lead out of a folder'],
    ['a drive', changed(1, { name: 'C:x' }), 'could lead out of a folder'],
    ['a backslash', changed(1, { name: 'm\\data' }), 'could lead out of a folder'],
    ['a NUL', changed(1, { name: 'm/data/0\0.pt' }), 'could lead out of a folder'],
    ['no name', changed(1, { name: '' }), 'could lead out of a folder'],
    ['no storage', zip(entries.slice(0, 1)), 'lacks "m/data/0"'],
    ['two pickles', zip([...entries, { name: 'n/data.pkl', data: eight }]), '2 folders with a data.pkl'],
    ['big-endian numbers', zip([...entries, { name: 'm/byteorder', data: Buffer.from('big') }]), 'byte order is "big"'],
    ['TorchScript', zip([...entries, { name: 'm/constants.pkl', data: eight }]), 'a TorchScript program'],
  ])('%s', (_, bytes, words) => refused(bytes, words));

  it('storages whose data overlap', () => {
    // The second entry is inside the first one's data: its own header is genuine.
    const inner = zip([{ name: 'm/data/1', data: eight }]).subarray(0, 30 + 8 + 32);
    const pair = dict(
      ['a', tensor(storage('0', 'ByteStorage', inner.length), 0, [1], [1])],
      ['b', tensor(storage('1', 'ByteStorage', 32), 0, [1], [1])],
    );
    const before = zip(torchFile(file(pair))).indexOf(0x50, 1); // where the second entry's header is
    const header = before + 30 + 8;
    const list = [...torchFile(file(pair), { 0: inner }), { name: 'm/data/1', data: eight, claims: { header } }];
    refused(zip(list), 'storage "1" overlaps another one');
  });

  it('a directory that is elsewhere, or of several disks', () => {
    const bytes = zip(entries);
    const end = bytes.length - 22;
    const poke = (at: number, value: number): Uint8Array => bytes.map((byte, i) => (i === at ? value : byte));
    refused(poke(end + 4, 1), 'one part of several');
    refused(poke(end + 10, 9), 'not where the end of the archive says');
    refused(poke(end + 16, 9), 'not where the end of the archive says');
    refused(poke(end - 20 + 8, 9), '64-bit end of its zip archive is damaged');
    refused(poke(end - 20 + 15, 255), '64-bit end of its zip archive is damaged');
    refused(poke(end - 20 - 56 + 32, 9), 'not where the end of the archive says');
    refused(Uint8Array.of(0x50, 0x4b, ...bytes), '64-bit end of its zip archive is damaged');
    refused(Uint8Array.of(...bytes, 0), 'has no end');
  });
});

describe('a pickle that lies', () => {
  const many = (bytes: readonly number[], count: number): number[] =>
    Array.from({ length: bytes.length * count }, (_, i) => bytes[i % bytes.length]);
  const raw = (bytes: readonly number[]): Entry[] => torchFile([0x80, 2, ...bytes], { 0: eight });
  const lists = (count: number): number[] => [...code('('), ...many(code(']'), count), ...code('l')];

  it.each<[string, Entry[], RegExp | string]>([
    ['a command', weights(call('os', 'system', text('touch /tmp/pwned'))), 'Python object "os.system"'],
    ['eval', weights(call('builtins', 'eval', text('1'))), '"builtins.eval"'],
    ['eval by stack', weights([...text('builtins'), ...text('eval'), 0x93]), '"builtins.eval"'],
    ['a dotted way out', weights(name('torch', 'serialization.os.system')), '"torch.serialization.os.system"'],
    ['a prototype', weights(name('__proto__', 'constructor')), '"__proto__.constructor"'],
    ['a long name', weights(name('a'.repeat(5000), 'b')), 'too long a name'],
    ['a name that is no text', weights([...integer(1), ...text('x'), 0x93]), 'by what is no text'],
    ['an instance', raw([...name('collections', 'OrderedDict'), ...code(')'), 0x81, ...code('.')]), 'NEWOBJ'],
    ['an old instance', raw([...code('(ios\nsystem\n.')]), 'instruction INST'],
    ['an extension', raw([0x82, 1]), 'EXT1'],
    ['an unknown instruction', raw([0xff]), 'instruction 0xff'],
    ['a call of a tensor', weights([...vector, ...code(')R')]), 'calls what is no function'],
    ['a call without a tuple', weights([...name('torch', 'Size'), ...text('x'), ...code('R')]), 'without a tuple'],
    ['a storage called', weights(call('torch', 'FloatStorage', integer(9))), 'arguments that do not fit'],
    ['a type called', weights(call('torch', 'float32')), 'arguments that do not fit'],
    ['attributes of a tensor', weights([...vector, ...dict(), ...code('b')]), 'attributes of what is no dict'],
    ['a tensor without storage', weights(call('torch._utils', '_rebuild_tensor_v2', integer(0))), 'do not fit'],
    ['a strange id', weights([...text('0'), ...code('Q')]), 'refers to something outside'],
    ['an id that is too long', weights(storage('x'.repeat(65), 'FloatStorage', 8)), 'refers to something outside'],
    ['an id without a type', weights(storage('0', 'Size', 8)), 'has the type torch.Size'],
    ['an id that climbs', weights(storage('../data.pkl', 'ByteStorage', 1)), 'lacks "m/data/../data.pkl"'],
    ['a storage of two types', weights(tuple(floats, storage('0', 'IntStorage', 8))), 'has two types'],
    ['an underflow', raw(code('a')), 'takes a value that is not there'],
    ['an underflow below a mark', raw(code(']((a')), 'takes a value that is not there'],
    ['no mark', raw(code('u')), 'down to a mark that is not there'],
    ['half a pair', raw(code('}(Nu')), 'sets a key of what is no dict'],
    ['appending to a dict', raw(code('}Na')), 'appends to what is no list'],
    ['an unknown memo', raw(code('h\x07')), 'recalls value 7'],
    ['nothing after', raw([]), 'in the middle of an instruction'],
    ['a text beyond the end', raw([...code('X'), 255, 255, 255, 255]), 'in the middle of an instruction'],
    ['a text of 2^64', raw([0x8d, ...many([255], 8)]), 'in the middle of an instruction'],
    ['a name without end', raw(code('cos')), 'in the middle of an instruction'],
    ['a text that is not UTF-8', raw([...code('X'), 1, 0, 0, 0, 0xff]), 'not UTF-8'],
    ['an integer of 4 GiB', raw([0x8b, 255, 255, 255, 255]), 'an integer of 4294967295 bytes'],
    ['more after the end', raw(code('}.}')), 'before everything in it is used'],
    ['more on the stack', raw(code('N}.')), 'before everything in it is used'],
    ['protocol 0', torchFile(code('(dp0\n.')), 'no binary pickle'],
    ['protocol 1', torchFile([0x80, 1, ...code('}.')]), 'protocol 1'],
    ['protocol 6', torchFile([0x80, 6, ...code('}.')]), 'protocol 6'],
    ['200,000 values at once', raw(many(code('N'), 200_000)), 'more values at once'],
    ['200,000 marks', raw(many(code('('), 200_000)), 'nested deeper'],
    ['lists in lists in lists', raw([...many(code(']'), 150_000), ...many(code('a'), 149_999)]), 'more values at once'],
    ['what lists are not made of', raw(lists(3)), 'instruction LIST'],
    ['a pickle of 2 GiB', torchFile(good).map((entry) => ({ ...entry, data: 2 ** 31 })), 'up to 67108864 are accepted'],
  ])('%s', (_, entries, words) => {
    if (entries.some(({ data }) => typeof data === 'number')) {
      const path = join(folder, 'sparse.pt');
      writeSparse(path, entries);
      expect(() => openTorch(path)).toThrow(refusal(words));
    } else refused(zip(entries), words);
  });

  it.each<[string, number[], string]>([
    ['a dict in itself', [...code('}q\0'), ...text('module'), ...code('h\0s')], 'no tensor under "module"'],
    ['a list in itself', [...code('}'), ...text('w'), ...code(']q\0h\0as')], 'no weights at its top'],
    [
      'loops beside tensors',
      [...dict(['w', vector]), ...text('x'), ...code(']q\0h\0a}q\x01'), ...text('y'), ...code('h\x01sas')],
      '',
    ],
  ])('%s', (_, value, words) => {
    const bytes = zip(weights(value));
    if (words === '') expect([...readTorch(bytes).skipped]).toEqual(['x']);
    else refused(bytes, words);
  });

  it('stops at a million lists', () => {
    const thousand = [...code('('), ...many(code(']'), 1000), ...code('e')];
    const bytes = zip(raw([...code(']'), ...many(thousand, 1300)]));
    expect(() => readTorch(bytes)).toThrow(refusal('more values than any state dict has'));
  });

  it('looks at a heap that many keys share once', () => {
    // 31 lists in a tuple, each but the first holding the one before twice: 2^30 ways through, under 2,000 keys.
    const doubled = Array.from({ length: 30 }, (_, i) => [...code('](h'), i, ...code('h'), i, ...code('eq'), i + 1]);
    const heap = [...code('(]q\0'), ...doubled.flat(), ...code('t')];
    const keys = Array.from({ length: 2000 }, (_, i) => [...text(`k${i}`), ...code('h\x1e')]);
    const value = [...dict(['w', vector], ['heap', heap]), ...code('('), ...keys.flat(), ...code('u')];
    expect(readTorch(zip(weights(value))).skipped).toHaveLength(2001);
  });
});

describe('a tensor that lies', () => {
  const shaped = (offset: number | bigint, shape: (number | bigint)[], strides: (number | bigint)[]): number[] =>
    dict(['w', tensor(floats, offset, shape, strides)]);

  it.each<[string, number[], string]>([
    ['too long', shaped(0, [9], [1]), 'tensor "w" reaches number 8 of a storage of 8'],
    ['too far', shaped(1, [8], [1]), 'reaches number 8'],
    ['strides too far', shaped(0, [2, 2], [7, 1]), 'reaches number 8'],
    ['a size of 2^53', shaped(0, [2 ** 53 - 1], [1]), 'reaches number'],
    ['sizes whose product wraps', shaped(0, [2n ** 32n, 2n ** 32n], [0, 0]), 'more than the whole file'],
    ['a stride of 2^62', shaped(0, [2], [2n ** 62n]), 'impossible shape'],
    ['a negative size', shaped(0, [-1], [1]), 'impossible shape'],
    ['a negative stride', shaped(7, [8], [-1]), 'impossible shape'],
    ['a negative offset', shaped(-1, [8], [1]), 'impossible shape'],
    ['fewer strides', shaped(0, [2, 2], [1]), 'impossible shape'],
    ['65 dimensions', shaped(0, new Array<number>(65).fill(1), new Array<number>(65).fill(1)), 'impossible shape'],
    ['repeated to 4 GiB', shaped(0, [2 ** 30], [0]), 'claims 4294967296 bytes, more than the whole file'],
    [
      'repeated without end',
      shaped(0, new Array<number>(64).fill(2 ** 50), new Array<number>(64).fill(0)),
      'more than',
    ],
    ['overlapping rows', shaped(0, [3, 3], [1, 1]), 'rows that overlap'],
    [
      'a storage that is shorter',
      dict(['w', tensor(storage('0', 'FloatStorage', 9), 0, [9], [1])]),
      'has 32 bytes where 9',
    ],
    ['a storage of -1', dict(['w', tensor(storage('0', 'FloatStorage', -1), 0, [1], [1])]), 'has 32 bytes where -1'],
    ['a storage of 2^60', dict(['w', tensor(storage('0', 'FloatStorage', 2n ** 60n), 0, [1], [1])]), 'where no count'],
    ['a name that is no text', [...code('}'), ...integer(1), ...vector, ...code('s')], 'which is no name'],
    ['tensors nested deeper', dict(['w', vector], ['x', dict(['y', vector])]), 'nested under "x"'],
    ['no tensor', dict(), 'no weights at its top'],
    [
      'sharing as a trap',
      dict(
        ...Array.from({ length: 40 }, (_, i) => [`w${i}`, tensor(floats, 0, [2 ** 24 - 1, 2 ** 0], [0, 0])] as const),
      ),
      'claim more than 16 times',
    ],
  ])('%s', (_, value, words) => refused(zip(weights(value)), words));

  it('takes an empty tensor of any strides, and a small one that repeats', () => {
    const read = readTorch(
      zip(weights(dict(['e', tensor(floats, 99, [0, 2 ** 40], [5, 7])], ['r', tensor(floats, 7, [2, 2], [0, 0])]))),
    );
    expect(read.tensor('e').data).toHaveLength(0);
    expect(
      Buffer.from(read.bytes('r')).equals(
        Buffer.from([...eight.subarray(28), ...eight.subarray(28), ...eight.subarray(28), ...eight.subarray(28)]),
      ),
    ).toBe(true);
  });
});
