import type { OpusDecoder } from 'opus-decoder';
import { type Block, MAX_CHANNELS, type PacketDecoder } from '../types.js';
import { DamagedAudio } from './faults.js';
import { has } from './sniff.js';

/** What `opus-decoder` 0.7.12 keeps inside; its own `decodeFrame` writes every error to the console. */
interface Internals {
  _common: {
    wasm: { opus_frame_decode_float_deinterleaved(d: number, input: number, length: number, out: number): number };
  };
  _decoder: number;
  _input: { ptr: number; buf: Uint8Array };
  _output: { ptr: number; buf: Float32Array };
}

interface Head {
  channels: number;
  preSkip: number;
  streams: number;
  coupled: number;
  mapping: number[];
}

/** Opus packets (RFC 6716 in RFC 7845) by libopus; 48 kHz. */
export class OpusPackets implements PacketDecoder {
  preSkip = 0;
  private head: Head | undefined;
  private headers = 0;
  private decoder: OpusDecoder | undefined;

  get ready(): boolean {
    return this.headers === 2;
  }

  async decode(packet: Uint8Array): Promise<Block | undefined> {
    if (this.headers === 0) {
      this.head = parseHead(packet);
      this.preSkip = this.head.preSkip;
      this.headers = 1;
      return undefined;
    }
    if (this.headers === 1) {
      this.headers = 2;
      if (has(packet, 0, 'OpusTags')) return undefined;
    }
    if (packet.length === 0) return undefined;
    return this.sound(packet, this.head as Head);
  }

  free(): void {
    const decoder = this.decoder;
    this.decoder = undefined;
    decoder?.free();
  }

  private async sound(packet: Uint8Array, head: Head): Promise<Block> {
    if (!this.decoder) {
      const { OpusDecoder } = await import('opus-decoder');
      this.decoder = new OpusDecoder({
        channels: head.channels,
        streamCount: head.streams,
        coupledStreamCount: head.coupled,
        channelMappingTable: head.mapping,
      });
      await this.decoder.ready;
    }
    const inner = this.decoder as unknown as Internals;
    if (packet.length > inner._input.buf.length) throw new DamagedAudio('an Opus packet that is too long');
    inner._input.buf.set(packet);
    const { wasm } = inner._common;
    const n = wasm.opus_frame_decode_float_deinterleaved(
      inner._decoder,
      inner._input.ptr,
      packet.length,
      inner._output.ptr,
    );
    if (n < 0 || n * head.channels > inner._output.buf.length)
      throw new DamagedAudio(`an Opus packet that fails (${n})`);
    const channels = Array.from({ length: head.channels }, (_, c) => inner._output.buf.slice(c * n, (c + 1) * n));
    return { channels, sampleRate: 48000 };
  }
}

function parseHead(packet: Uint8Array): Head {
  if (!has(packet, 0, 'OpusHead') || packet.length < 19)
    throw new DamagedAudio('an Ogg Opus file with a damaged header');
  const channels = packet[9];
  const preSkip = packet[10] | (packet[11] << 8);
  if (packet[18] === 0 && (channels === 1 || channels === 2)) {
    return { channels, preSkip, streams: 1, coupled: channels - 1, mapping: channels === 2 ? [0, 1] : [0] };
  }
  const [streams, coupled] = [packet[19], packet[20]];
  const mapping = [...packet.subarray(21, 21 + channels)];
  const possible =
    packet[18] !== 0 &&
    channels >= 1 &&
    channels <= MAX_CHANNELS &&
    mapping.length === channels &&
    streams >= 1 &&
    coupled <= streams &&
    streams + coupled <= channels &&
    mapping.every((m) => m === 255 || m < streams + coupled);
  if (!possible) throw new DamagedAudio('an Ogg Opus file with an impossible channel mapping');
  return { channels, preSkip, streams, coupled, mapping };
}
