/** Opus there and back, to compare the small codec with: encoded by libopus 1.4 (package opusscript), decoded by our reader's. */
import { BagpiperError } from '../../errors.js';

const RATE = 16000;
/** 20 ms, the usual packet. */
const FRAME = 320;
/** What encoder and decoder delay the sound by at 16 kHz, in samples: 6.5 ms (RFC 6716, measured by correlation too). */
const DELAY = 104;
/** OPUS_SET_VBR of opus_defines.h. */
const SET_VBR = 4006;

export interface OpusRoundTrip {
  /** as many samples as were given, in time with them */
  samples: Float32Array;
  /** bits of all packets a second */
  bitsPerSecond: number;
}

/**
 * Codes sound with a constant bit rate and 20 ms packets, application "audio", complexity as libopus sets it.
 * @param samples mono at 16 kHz @param bitRate bits a second, from 6000 on
 * @throws BagpiperError when the development package opusscript is not installed
 */
export async function opusRoundTrip(samples: Float32Array, bitRate: number): Promise<OpusRoundTrip> {
  const { default: OpusScript } = await import('opusscript').catch(() => {
    throw new BagpiperError(
      'The package opusscript is not installed; it comes with a checkout: npm ci --ignore-scripts',
    );
  });
  const encoder = new OpusScript(RATE, 1, OpusScript.Application.AUDIO);
  const packets: Uint8Array[] = [];
  try {
    encoder.setBitrate(bitRate);
    encoder.encoderCTL(SET_VBR, 0);
    const count = Math.ceil((samples.length + DELAY) / FRAME);
    for (let i = 0; i < count; i++) {
      const frame = new Int16Array(FRAME);
      samples.subarray(i * FRAME, (i + 1) * FRAME).forEach((x, k) => {
        frame[k] = Math.max(-32768, Math.min(32767, Math.round(x * 32768)));
      });
      packets.push(new Uint8Array(encoder.encode(Buffer.from(frame.buffer), FRAME)));
    }
  } finally {
    encoder.delete();
  }
  const bytes = packets.reduce((sum, { length }) => sum + length, 0);
  const decoded = await decode(packets);
  const out = new Float32Array(samples.length);
  out.set(decoded.subarray(DELAY, DELAY + samples.length));
  return { samples: out, bitsPerSecond: (8 * bytes * RATE) / (packets.length * FRAME) };
}

async function decode(packets: Uint8Array[]): Promise<Float32Array> {
  const { OpusDecoder } = await import('opus-decoder');
  const decoder = new OpusDecoder({ sampleRate: RATE, channels: 1 });
  await decoder.ready;
  try {
    return decoder.decodeFrames(packets).channelData[0];
  } finally {
    decoder.free();
  }
}
