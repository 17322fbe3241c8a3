/**
 * Places in a compiled graph's file of weights. ONNX Runtime writes what it rearranged right behind other bytes, and reads it
 * from mapped memory with instructions that end the process where a place is no multiple of 64 (version 1.30; matrices
 * above 1 MiB are placed well, smaller ones by chance).
 */
import { closeSync, openSync, readFileSync, readSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { onnx as OnnxProto } from 'onnx-proto';

const ALIGNMENT = 64;
/** Bytes copied at once. */
const PIECE = 2 ** 24;
/** `KERNEL+HASH|OFFSET;LENGTH;...`, with further places behind a `|` */
const PLACE = /^(\d+);(\d+);(.*)$/;

/** A place and the way to change it. */
interface Place {
  offset: number;
  length: number;
  moveTo: (offset: number) => void;
  rearranged: boolean;
}

/** Writes the file of weights anew, every part at a multiple of 64, where a rearranged matrix lies at another place. */
export async function alignWeights(graphFile: string): Promise<void> {
  const { onnx } = (await import('onnx-proto')).default;
  const model = onnx.ModelProto.decode(readFileSync(graphFile));
  const tensors = model.graph?.initializer ?? [];
  const places = tensors.flatMap(placesOf);
  if (places.every(({ offset, rearranged }) => !rearranged || offset % ALIGNMENT === 0)) return;
  const location = tensors.flatMap((tensor) => entryOf(tensor, 'location') ?? [])[0];
  const weights = join(dirname(graphFile), location);
  const aside = `${weights}.aligned`;
  const from = openSync(weights, 'r');
  const to = openSync(aside, 'w');
  try {
    let end = 0;
    for (const place of places) {
      const start = Math.ceil(end / ALIGNMENT) * ALIGNMENT;
      copy(from, place.offset, to, start, place.length);
      place.moveTo(start);
      end = start + place.length;
    }
  } finally {
    closeSync(from);
    closeSync(to);
  }
  writeFileSync(graphFile, onnx.ModelProto.encode(model).finish());
  renameSync(aside, weights);
}

function entryOf({ externalData }: OnnxProto.ITensorProto, key: string): string | undefined {
  return externalData?.find((entry) => entry.key === key)?.value ?? undefined;
}

/** Where a tensor's numbers lie, and what was made of them. */
function placesOf(tensor: OnnxProto.ITensorProto): Place[] {
  const offset = tensor.externalData?.find(({ key }) => key === 'offset');
  if (!offset) return [];
  const length = Number(entryOf(tensor, 'length'));
  const own: Place = {
    offset: Number(offset.value),
    length,
    rearranged: false,
    moveTo: (to) => {
      offset.value = String(to);
    },
  };
  const made = (tensor.externalData ?? []).filter(({ key }) => key?.startsWith('prepacked_'));
  return [own, ...made.flatMap(rearrangedPlaces)];
}

function rearrangedPlaces(entry: OnnxProto.IStringStringEntryProto): Place[] {
  const parts = (entry.value ?? '').split('|');
  return parts.flatMap((part, i) => {
    const found = PLACE.exec(part);
    if (!found) return [];
    const [, offset, length, rest] = found;
    const moveTo = (to: number) => {
      parts[i] = `${to};${length};${rest}`;
      entry.value = parts.join('|');
    };
    return [{ offset: Number(offset), length: Number(length), rearranged: true, moveTo }];
  });
}

function copy(from: number, offset: number, to: number, start: number, length: number): void {
  const piece = new Uint8Array(Math.min(PIECE, length));
  for (let done = 0; done < length; ) {
    const got = readSync(from, piece, 0, Math.min(piece.length, length - done), offset + done);
    if (got === 0) throw new Error('a compiled graph names more weights than its file holds');
    writeSync(to, piece, 0, got, start + done);
    done += got;
  }
}
