/** Sound as exports carry it: WAV files, 16-bit, mono, 16 kHz, one for each stretch of sound that records refer to. */
import { createHash } from 'node:crypto';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { encodeWav } from '../../audio/index.js';
import { BagpiperError, messageOf, ServerError } from '../../errors.js';
import { writeFileAtomically } from '../../files.js';
import { Listener } from '../source/index.js';
import type { AudioReference, Reason } from '../types.js';

export const RATE = 16000;
/** Bytes in front of the samples in the files that are written here. */
const HEADER = 44;
/** Upstream cuts or drops what is longer; what is shorter has not one token. */
export const LONGEST = 30;
export const SHORTEST = 0.1;

export interface SoundFile {
  path: string;
  /** at 16 kHz */
  samples: number;
}

/** A sound that cannot be exported, with why. */
export class SoundLeftOut extends Error {
  override readonly name = 'SoundLeftOut';

  constructor(readonly reason: Reason) {
    super(reason.message);
  }
}

/** Stands for a stretch of sound: equal references have equal keys, 24 hexadecimal digits. */
export function soundKey({ uri, start, end }: AudioReference): string {
  const text = JSON.stringify([uri, start ?? null, end ?? null]);
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}

export class SoundStore {
  private readonly listener = new Listener();

  /** @param folder gets `xx/KEY.wav`, in 256 folders so that none grows too large */
  constructor(private readonly folder: string) {}

  pathOf(key: string): string {
    return join(this.folder, key.slice(0, 2), `${key}.wav`);
  }

  /**
   * The file of a stretch of sound, written unless it is there: an export that was stopped goes on.
   *
   * @throws SoundLeftOut for sound that cannot be read, or is too short or too long; BagpiperError where it cannot be written
   */
  async file(reference: AudioReference, signal?: AbortSignal): Promise<SoundFile> {
    const path = this.pathOf(soundKey(reference));
    const there = await stat(path).catch(() => undefined);
    if (there) return { path, samples: (there.size - HEADER) / 2 };
    const samples = await this.samples(reference, signal);
    const seconds = samples.length / RATE;
    if (seconds > LONGEST + 1e-9)
      throw leftOut('too_long', `${reference.uri} lasts ${seconds.toFixed(1)} s, over 30 s.`);
    if (seconds < SHORTEST) throw leftOut('too_short', `${reference.uri} lasts ${seconds.toFixed(3)} s, under 0.1 s.`);
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomically(path, encodeWav(samples, RATE));
    return { path, samples: samples.length };
  }

  /** Lets go of long files. */
  close(): Promise<void> {
    return this.listener.close();
  }

  private async samples(reference: AudioReference, signal?: AbortSignal): Promise<Float32Array> {
    try {
      return await this.listener.samples(reference, signal);
    } catch (error) {
      signal?.throwIfAborted();
      // A server that fails says nothing about the sound.
      if (error instanceof BagpiperError && !(error instanceof ServerError)) {
        throw leftOut('unreadable', messageOf(error));
      }
      throw error;
    }
  }
}

const leftOut = (kind: string, message: string): SoundLeftOut => new SoundLeftOut({ kind, message });

/** Checks a file of an export as upstream's readers will meet it. @returns what is wrong, in a few words */
export async function soundProblem(path: string): Promise<string | undefined> {
  const file = await open(path).catch(() => undefined);
  if (!file) return 'does not exist';
  try {
    const head = Buffer.alloc(HEADER);
    const { bytesRead } = await file.read(head, 0, HEADER, 0);
    const { size } = await file.stat();
    if (bytesRead < HEADER || head.toString('latin1', 0, 4) !== 'RIFF') return 'is no WAV file';
    const [format, channels, rate, bits] = [
      head.readUInt16LE(20),
      head.readUInt16LE(22),
      head.readUInt32LE(24),
      head.readUInt16LE(34),
    ];
    if (format !== 1 || bits !== 16) return 'is not 16-bit PCM';
    if (channels !== 1 || rate !== RATE) return `has ${channels} channels at ${rate} Hz, not one at 16000`;
    const seconds = head.readUInt32LE(40) / 2 / RATE;
    if (head.readUInt32LE(40) !== size - HEADER) return 'is cut short';
    if (seconds < SHORTEST || seconds > LONGEST + 1e-9) return `lasts ${seconds} s, not 0.1 to 30 s`;
    return undefined;
  } finally {
    await file.close();
  }
}
