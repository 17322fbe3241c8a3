import type { OggVorbisDecoder } from '@wasm-audio-decoders/ogg-vorbis';
import { type Block, MAX_CHANNELS, MAX_RATE, MIN_RATE, type PacketDecoder } from '../types.js';
import { DamagedAudio } from './faults.js';
import { has } from './sniff.js';

/** The packet-level part inside `@wasm-audio-decoders/ogg-vorbis` 0.1.20: its own page parser is left aside. */
interface Internals {
  sendSetupHeader(packet: Uint8Array): void;
  initDsp(): void;
  decodePackets(packets: Uint8Array[]): { channelData: Float32Array[]; sampleRate: number };
  _input: { buf: Uint8Array };
}

/** Vorbis I packets by libvorbis. */
export class VorbisPackets implements PacketDecoder {
  readonly preSkip = 0;
  private headers = 0;
  private channels = 0;
  private decoder: OggVorbisDecoder | undefined;

  get ready(): boolean {
    return this.headers === 3;
  }

  async decode(packet: Uint8Array): Promise<Block | undefined> {
    if (this.headers < 3) {
      await this.header(packet);
      this.headers++;
      return undefined;
    }
    // An odd first bit marks a header, which is not sound.
    if (packet.length === 0 || packet[0] & 1) return undefined;
    const inner = this.inner();
    if (packet.length > inner._input.buf.length) throw new DamagedAudio('a Vorbis packet that is too long');
    const { channelData, sampleRate } = inner.decodePackets([packet]);
    if (channelData.length !== this.channels) throw new DamagedAudio('a Vorbis packet with other channels');
    return channelData[0].length === 0 ? undefined : { channels: channelData, sampleRate };
  }

  free(): void {
    const decoder = this.decoder;
    this.decoder = undefined;
    decoder?.free();
  }

  private inner(): Internals {
    return (this.decoder as unknown as { _decoder: Internals })._decoder;
  }

  private async header(packet: Uint8Array): Promise<void> {
    if (!has(packet, 0, `${'\x01\x03\x05'[this.headers]}vorbis`)) {
      throw new DamagedAudio('an Ogg Vorbis file with a damaged header');
    }
    if (this.headers === 0) {
      this.channels = checkedChannels(packet);
      const { OggVorbisDecoder } = await import('@wasm-audio-decoders/ogg-vorbis');
      this.decoder = new OggVorbisDecoder();
      await this.decoder.ready;
      this.inner().sendSetupHeader(packet);
    } else if (this.headers === 2) {
      if (packet.length > this.inner()._input.buf.length) throw new DamagedAudio('a Vorbis setup that is too long');
      this.inner().sendSetupHeader(packet);
      this.inner().initDsp();
    }
  }
}

function checkedChannels(packet: Uint8Array): number {
  if (packet.length < 30) throw new DamagedAudio('an Ogg Vorbis file with a damaged header');
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const channels = view.getUint8(11);
  const rate = view.getUint32(12, true);
  if (channels < 1 || channels > MAX_CHANNELS || rate < MIN_RATE || rate > MAX_RATE) {
    throw new DamagedAudio(`an Ogg Vorbis file with ${channels} channels at ${rate} samples a second`);
  }
  return channels;
}
