/** Sound travels by reference: workers must be able to read what the coordinator names. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import type { AudioReference, Keyed } from '../types.js';

/**
 * Checks that a record's sound can be read on this machine. One file that is gone is that record's matter, which the stage
 * decides about; a folder that is not there concerns all.
 * @returns the sound's path and what to say, when not even its folder can be read; undefined when all is well
 */
export async function unreadableSound(
  input: Keyed & { audio?: AudioReference; uri?: string },
): Promise<{ unreadable: string; message: string } | undefined> {
  // Files that nobody looked into yet name their place alone.
  const uri = input.audio?.uri ?? input.uri;
  if (uri === undefined || /^[a-z][a-z0-9+.-]*:\/\//i.test(uri)) return undefined;
  if ((await isReadable(uri)) || (await isReadable(dirname(uri)))) return undefined;
  const message = `${uri}: cannot be read on ${hostname()}; sound goes to workers by reference, so mount its folder there under the same path, or name it as s3://bucket/key.`;
  return { unreadable: uri, message };
}

async function isReadable(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
