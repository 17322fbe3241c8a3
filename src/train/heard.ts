/** What was heard along the way, as it lies in `OUT/samples`: a folder for each audition, `STAGE-STEP`, and the inputs' sounds. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One thing that the model was asked. */
export interface Heard {
  /** `describe dog.wav`, `ask dog.wav: How often?`, `render: A dog barks.` */
  title: string;
  /** caption or answer; of a rendering the file's name */
  text: string;
  /** what came before: caption and thinking of an answer, the caption of a rendering */
  before?: string;
  /** WAV file, below the samples' folder, with `/` */
  sound?: string;
  /** why there is no result */
  error?: string;
}

export interface Audition {
  /** name of its folder */
  name: string;
  stage: string;
  step: number;
  heard: Heard[];
}

/** What the model said last and, if anything, before that: of a rendering its caption alone, for it is played. */
export function saidOf({ text, before, sound }: Heard): { text: string; before: string | undefined } {
  const rendered = before !== undefined && sound?.endsWith(`/${text}`);
  return rendered ? { text: before, before: undefined } : { text, before };
}

/** Folder of the inputs' sounds, below the samples. */
export const SOUNDS = 'sounds';
const FILE = 'samples.json';
/** As {@link auditionName} makes them. */
const NAME = /^([\w.-]+)-(\d{6,})$/;

export const auditionName = (stage: string, step: number): string => `${stage}-${String(step).padStart(6, '0')}`;

export function writeHeard(folder: string, heard: readonly Heard[]): void {
  writeFileSync(join(folder, FILE), `${JSON.stringify(heard, null, 2)}\n`);
}

/** Names of the auditions in a samples' folder; none where it does not exist. */
export function listAuditions(samples: string): Omit<Audition, 'heard'>[] {
  if (!existsSync(samples)) return [];
  return readdirSync(samples).flatMap((name) => {
    const found = NAME.exec(name);
    return found ? [{ name, stage: found[1], step: Number(found[2]) }] : [];
  });
}

/** What was heard in an audition; its captions as one text where it was made without `samples.json`. */
export function readHeard(folder: string): Heard[] {
  try {
    const found = JSON.parse(readFileSync(join(folder, FILE), 'utf8')) as unknown;
    if (Array.isArray(found)) return found.filter(isHeard);
  } catch {
    // An older run, or a damaged file.
  }
  const captions = join(folder, 'captions.md');
  return existsSync(captions) ? [{ title: 'captions', text: readFileSync(captions, 'utf8').trim() }] : [];
}

function isHeard(value: unknown): value is Heard {
  const { title, text, before, sound, error } = (value ?? {}) as Record<string, unknown>;
  const rest = [before, sound, error].every((field) => field === undefined || typeof field === 'string');
  return typeof title === 'string' && typeof text === 'string' && rest;
}
