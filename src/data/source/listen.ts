/** Clips as samples. Parts of long files come from one decoding, as long as they are asked for one after the other. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeWav, loadMono16k, streamMono16k } from '../../audio/index.js';
import { BagpiperError } from '../../errors.js';
import type { AudioReference } from '../types.js';
import { Places } from './bytes.js';

const RATE = 16_000;
/** Long files that are held open. */
const MOST_OPEN = 4;

/** A clip as a WAV file at 16 kHz, 16 bits. */
export interface HeldClip {
  /** the file's bytes, made or read anew by each call */
  wav(): Promise<Uint8Array>;
  free(): Promise<void>;
}

export class Listener {
  private readonly open = new Map<string, LongFile>();
  private folder: Promise<string> | undefined;
  private count = 0;

  constructor(private readonly places = new Places()) {}

  /** The clip's samples at 16 kHz. @throws BagpiperError when it cannot be read; the signal's reason */
  async samples(audio: AudioReference, signal?: AbortSignal): Promise<Float32Array> {
    const { uri, start, end } = audio;
    if (start !== undefined && end !== undefined) return this.longFile(uri).take(start, end, signal);
    const { path, free } = await this.places.path(uri, signal);
    try {
      return (await loadMono16k(path, { name: uri, ...(signal && { signal }) })).samples;
    } finally {
      await free();
    }
  }

  /**
   * Lends a clip as a WAV file. Whole files are decoded when they are wanted; parts of long ones wait on the disk, so that many
   * clips in flight take no memory and a file need not be decoded again.
   * @throws as {@link samples}
   */
  async hold(audio: AudioReference, signal?: AbortSignal): Promise<HeldClip> {
    if (audio.start === undefined) {
      return { wav: async () => encodeWav(await this.samples(audio, signal), RATE), free: async () => {} };
    }
    const bytes = encodeWav(await this.samples(audio, signal), RATE);
    this.folder ??= mkdtemp(join(tmpdir(), 'bagpiper-clips-'));
    const path = join(await this.folder, `${this.count++}.wav`);
    await writeFile(path, bytes);
    return { wav: () => readFile(path), free: () => rm(path, { force: true }) };
  }

  private longFile(uri: string): LongFile {
    const file = this.open.get(uri) ?? new LongFile(uri, this.places);
    this.open.delete(uri);
    this.open.set(uri, file);
    for (const [name, other] of this.open) {
      if (this.open.size <= MOST_OPEN) break;
      // This one is about to be busy.
      if (other.busy || other === file) continue;
      this.open.delete(name);
      void other.close();
    }
    return file;
  }

  async close(): Promise<void> {
    await Promise.all([...this.open.values()].map((file) => file.close()));
    this.open.clear();
    if (this.folder) await rm(await this.folder, { recursive: true, force: true });
  }
}

/** A file that is decoded once from its beginning on; asked for an earlier part, it begins again. */
class LongFile {
  /** parts that were asked for and have not been given */
  private waiting = 0;
  private turn: Promise<unknown> = Promise.resolve();
  private pieces: AsyncGenerator<Float32Array, void, void> | undefined;
  private piece: Float32Array = new Float32Array(0);
  /** where the piece begins, in samples */
  private at = 0;
  private copy: { path: string; free: () => Promise<void> } | undefined;

  constructor(
    private readonly uri: string,
    private readonly places: Places,
  ) {}

  get busy(): boolean {
    return this.waiting > 0;
  }

  /** One part after the other. */
  take(start: number, end: number, signal?: AbortSignal): Promise<Float32Array> {
    this.waiting++;
    const taking = this.turn.then(async () => {
      signal?.throwIfAborted();
      return this.read(Math.round(start * RATE), Math.round(end * RATE));
    });
    this.turn = taking.catch(() => {}).finally(() => this.waiting--);
    return taking;
  }

  private async read(from: number, to: number): Promise<Float32Array> {
    if (!this.pieces || from < this.at) await this.begin();
    const out = new Float32Array(to - from);
    let filled = 0;
    while (filled < out.length) {
      if (this.at + this.piece.length <= from + filled) {
        const next = await (this.pieces as AsyncGenerator<Float32Array, void, void>).next();
        if (next.done) break;
        this.at += this.piece.length;
        this.piece = next.value;
        continue;
      }
      const part = this.piece.subarray(from + filled - this.at, to - this.at);
      out.set(part, filled);
      filled += part.length;
    }
    if (filled > 0) return out.subarray(0, filled);
    throw new BagpiperError(`${this.uri}: ends before ${from / RATE} s; list the sources again in a new run.`);
  }

  private async begin(): Promise<void> {
    await this.pieces?.return();
    this.copy ??= await this.places.path(this.uri);
    this.pieces = streamMono16k(this.copy.path, { chunkSeconds: 1, name: this.uri });
    this.piece = new Float32Array(0);
    this.at = 0;
  }

  async close(): Promise<void> {
    await this.turn;
    await this.pieces?.return();
    await this.copy?.free();
    this.pieces = this.copy = undefined;
  }
}
