import type { Block, PacketDecoder, PushDecoder } from '../types.js';
import { DamagedAudio } from './faults.js';
import { FlacDecoder } from './flac.js';
import { type OggPage, OggPages } from './ogg-pages.js';
import { OpusPackets } from './opus.js';
import { VorbisPackets } from './vorbis.js';

/** Ogg Vorbis and Ogg Opus by libvorbis and libopus (WebAssembly), and Ogg FLAC. Opus always comes out at 48 kHz. */
export class OggDecoder implements PushDecoder {
  readonly warnings: string[] = [];
  private readonly pages = new OggPages();
  private codec: PacketDecoder | undefined;
  private flac: FlacDecoder | undefined;
  private ended = false;
  private damaged = 0;
  private given = 0;
  /** samples decoded of this logical stream, pre-skip included */
  private position = 0;
  /** the granule position of its first sample */
  private offset: number | undefined;

  constructor(readonly format: 'ogg vorbis' | 'ogg opus' | 'ogg flac') {}

  async *push(bytes: Uint8Array): AsyncGenerator<Block, void, void> {
    for (const page of this.pages.push(bytes)) {
      this.ended = page.last;
      if (this.format === 'ogg flac') yield* this.flacPage(page);
      else yield* this.page(page);
    }
  }

  async *end(): AsyncGenerator<Block, void, void> {
    if (this.flac) {
      yield* this.flac.end();
      this.warnings.push(...this.flac.warnings);
    } else if (this.given === 0 && !(this.ended && this.codec?.ready)) {
      throw new DamagedAudio(`an ${this.format.replace(/\b[ovf]/g, (c) => c.toUpperCase())} file without sound in it`);
    }
    const damaged = this.damaged + this.pages.damaged;
    if (damaged > 0)
      this.warnings.push(`has ${damaged} damaged ${damaged === 1 ? 'place' : 'places'}, which were left out`);
    if (!this.ended) this.warnings.push('ends before its last page: the file is truncated');
  }

  free(): void {
    const codec = this.codec;
    this.codec = undefined;
    codec?.free();
  }

  private async *page(page: OggPage): AsyncGenerator<Block, void, void> {
    if (page.first) {
      this.free();
      this.codec = this.format === 'ogg opus' ? new OpusPackets() : new VorbisPackets();
      this.position = 0;
      this.offset = undefined;
    }
    const codec = this.codec;
    if (!codec) return;
    const blocks: Block[] = [];
    for (const packet of page.packets) {
      const block = await this.decodePacket(codec, packet);
      if (block) blocks.push(block);
    }
    if (blocks.length > 0) yield* this.trimmed(blocks, page, codec.preSkip);
  }

  /** A damaged sound packet is left out; a damaged header ends it all. */
  private async decodePacket(codec: PacketDecoder, packet: Uint8Array): Promise<Block | undefined> {
    const wasReady = codec.ready;
    try {
      return await codec.decode(packet);
    } catch (error) {
      if (!wasReady || !(error instanceof DamagedAudio)) throw error;
      this.damaged++;
      return undefined;
    }
  }

  /** Without the pre-skip at the start and the padding at the end, which the last page's granule position tells. */
  private *trimmed(blocks: Block[], page: OggPage, preSkip: number): Generator<Block, void, void> {
    const length = blocks.reduce((sum, block) => sum + block.channels[0].length, 0);
    const before = this.position;
    this.position += length;
    // A recording of a running stream does not start at 0.
    if (page.granule !== undefined) this.offset ??= page.last ? 0 : Math.max(0, page.granule - this.position);
    const stated = page.last && page.granule !== undefined ? page.granule - (this.offset ?? 0) : this.position;
    const end = Math.min(this.position, Math.max(before, stated));
    let at = before;
    for (const block of blocks) {
      const size = block.channels[0].length;
      const from = Math.max(0, preSkip - at);
      const to = Math.min(size, end - at);
      at += size;
      if (to <= from) continue;
      this.given += to - from;
      yield { channels: block.channels.map((c) => c.subarray(from, to)), sampleRate: block.sampleRate };
    }
  }

  private async *flacPage(page: OggPage): AsyncGenerator<Block, void, void> {
    for (const packet of page.packets) {
      // The first packet wraps the native header: 0x7f FLAC, version, count of header packets.
      const start = this.flac ? 0 : 9;
      this.flac ??= new FlacDecoder();
      yield* this.flac.push(packet.subarray(start));
    }
  }
}
