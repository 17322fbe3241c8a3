/** Sound of clips for a judge that hears: WAV, 16-bit, mono, 16 kHz. */
import { encodeWav, loadMono16k } from '../../audio/index.js';
import { messageOf } from '../../errors.js';
import { type AudioReference, SetAside } from '../types.js';

const RATE = 16000;

/** @throws SetAside for sound that cannot be read */
export async function wavOf({ uri, start, end }: AudioReference): Promise<{ data: string; format: string }> {
  try {
    const { samples } = await loadMono16k(uri);
    const part =
      start === undefined || end === undefined
        ? samples
        : samples.subarray(Math.round(start * RATE), Math.round(end * RATE));
    return { data: Buffer.from(encodeWav(part, RATE)).toString('base64'), format: 'wav' };
  } catch (error) {
    throw new SetAside({ kind: 'sound_unreadable', message: messageOf(error) });
  }
}
