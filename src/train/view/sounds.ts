/** The sounds of a run's page: WAV files below the samples' folder and nothing else, whatever is asked for. */
import { realpathSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { loadMono16k, spectrogramPng } from '../../audio/index.js';

/** A part of a path: no separators, no dots in front. */
const PART = /^[\w-][\w.-]*$/;
/** Pictures that are kept. */
const KEPT = 200;
const SIZE = { width: 600, height: 200 };

export class Sounds {
  private readonly pictures = new Map<string, Promise<Uint8Array>>();

  /** @param folder the samples of a run; it need not exist yet */
  constructor(private readonly folder: string) {}

  /**
   * The file behind a path of the page, `FOLDER/NAME.wav`.
   *
   * @returns undefined where there is none, or it lies elsewhere, be it by a link
   */
  find(folder: string, name: string): string | undefined {
    if (!PART.test(folder) || !PART.test(name) || !name.endsWith('.wav')) return undefined;
    try {
      const path = realpathSync(join(this.folder, folder, name));
      return path.startsWith(realpathSync(this.folder) + sep) && statSync(path).isFile() ? path : undefined;
    } catch {
      return undefined;
    }
  }

  read(path: string): Promise<Uint8Array> {
    return readFile(path);
  }

  /** The spectrogram of a file that {@link find} gave, as a PNG file. */
  picture(path: string): Promise<Uint8Array> {
    const known = this.pictures.get(path);
    if (known) return known;
    const made = loadMono16k(path).then(({ samples }) => spectrogramPng(samples, 16_000, SIZE));
    made.catch(() => this.pictures.delete(path));
    this.pictures.set(path, made);
    const [oldest] = this.pictures.keys();
    if (this.pictures.size > KEPT) this.pictures.delete(oldest);
    return made;
  }
}
