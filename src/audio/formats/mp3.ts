import type { MPEGDecoder } from 'mpg123-decoder';
import type { Block, PushDecoder } from '../types.js';
import { DamagedAudio } from './faults.js';
import { id3Length, type Mp3Frame, mp3FrameAt } from './sniff.js';

/**
 * What `mpg123-decoder` 1.0.3 keeps inside. Its own `decode` never returns when mpg123 reports the same error for ever,
 * and writes every error to the console, so the loop around the library's calls is ours.
 */
interface Internals {
  _common: {
    wasm: {
      mpeg_decoder_feed(decoder: number, input: number, length: number): number;
      mpeg_decoder_read(d: number, out: number, length: number, samples: number, rate: number, error: number): number;
    };
  };
  _decoder: number;
  _input: { ptr: number; len: number; buf: Uint8Array };
  _output: { ptr: number; len: number; buf: Float32Array };
  _samplesDecodedPtr: { ptr: number; buf: Uint32Array };
  _sampleRatePtr: { ptr: number; buf: Uint32Array };
  _errorStringPtr: { ptr: number };
}

const NEED_MORE = -10;
const NEW_FORMAT = -11;
/** Damaged places after which a file is given up. */
const MAX_ERRORS = 1000;
/** How far from the start the first frame may lie, after any ID3 tag. */
const SEARCH = 65536;

/** MPEG audio layers 1 to 3 by mpg123 (WebAssembly). Encoder delay and padding are removed where the file states them. */
export class Mp3Decoder implements PushDecoder {
  format = 'mp3';
  readonly warnings: string[] = [];
  private decoder: MPEGDecoder | undefined;
  private head: Uint8Array | undefined = new Uint8Array(0);
  private channels: 1 | 2 = 2;
  private expected = 0;
  private decoded = 0;
  private errors = 0;

  async *push(bytes: Uint8Array): AsyncGenerator<Block, void, void> {
    if (!this.head) {
      yield* this.feed(bytes);
      return;
    }
    const head = new Uint8Array(this.head.length + bytes.length);
    head.set(this.head);
    head.set(bytes, this.head.length);
    this.head = head;
    if (head.length >= id3Length(head) + SEARCH) yield* this.start();
  }

  async *end(): AsyncGenerator<Block, void, void> {
    if (this.head) yield* this.start();
    if (this.decoded === 0) throw new DamagedAudio('an MP3 file in which no frame can be decoded');
    if (this.errors > 0) this.warnings.push(`has ${this.errors} damaged MP3 frames, which were left out`);
    if (this.decoded < this.expected * 0.98) {
      this.warnings.push('ends before its header says: the file is truncated');
    }
  }

  free(): void {
    this.decoder?.free();
    this.decoder = undefined;
  }

  private async *start(): AsyncGenerator<Block, void, void> {
    const head = this.head as Uint8Array;
    this.head = undefined;
    const first = firstFrame(head);
    if (!first) throw new DamagedAudio('an MP3 file without a valid frame');
    this.channels = first.frame.channels;
    this.format = first.frame.layer === 3 ? 'mp3' : `mp${first.frame.layer}`;
    this.expected = statedFrames(head, first.at) * first.frame.samples;
    const { MPEGDecoder } = await import('mpg123-decoder');
    this.decoder = new MPEGDecoder();
    await this.decoder.ready;
    // Tags and junk in front are ours to skip: mpg123 gives up after a kilobyte of junk.
    yield* this.feed(head.subarray(first.at));
  }

  private *feed(bytes: Uint8Array): Generator<Block, void, void> {
    const inner = this.decoder as unknown as Internals;
    for (let at = 0; at < bytes.length && this.errors < MAX_ERRORS; at += inner._input.len) {
      const piece = bytes.subarray(at, at + inner._input.len);
      inner._input.buf.set(piece);
      const result = inner._common.wasm.mpeg_decoder_feed(inner._decoder, inner._input.ptr, piece.length);
      if (result !== NEED_MORE) yield* this.drain(inner);
    }
  }

  private *drain(inner: Internals): Generator<Block, void, void> {
    const { _output: out, _samplesDecodedPtr: count, _sampleRatePtr: rate } = inner;
    while (this.errors < MAX_ERRORS) {
      count.buf[0] = 0;
      const result = inner._common.wasm.mpeg_decoder_read(
        inner._decoder,
        out.ptr,
        out.len,
        count.ptr,
        rate.ptr,
        inner._errorStringPtr.ptr,
      );
      const n = count.buf[0];
      if (n > 0 && 2 * n <= out.buf.length) {
        const channels = [out.buf.slice(0, n)];
        if (this.channels === 2) channels.push(out.buf.slice(n, 2 * n));
        this.decoded += n;
        yield { channels, sampleRate: rate.buf[0] };
      }
      if (result === NEED_MORE) return;
      if (result !== 0 && result !== NEW_FORMAT) {
        this.errors++;
        if (n === 0) return;
      } else if (result === 0 && n === 0) return;
    }
  }
}

function firstFrame(head: Uint8Array): { at: number; frame: Mp3Frame } | undefined {
  const tag = id3Length(head);
  const start = tag < head.length ? tag : 0;
  const end = Math.min(head.length, start + SEARCH);
  for (let at = start; at < end; at++) {
    const frame = head[at] === 0xff ? mp3FrameAt(head, at) : undefined;
    if (frame) return { at, frame };
  }
  return undefined;
}

/** The number of frames that a Xing or Info header in the first frame states; 0 without one. */
function statedFrames(head: Uint8Array, at: number): number {
  const text = String.fromCharCode(...head.subarray(at, at + 64));
  const tag = Math.max(text.indexOf('Xing'), text.indexOf('Info'));
  if (tag < 0 || at + tag + 12 > head.length) return 0;
  const view = new DataView(head.buffer, head.byteOffset + at + tag, 12);
  return view.getUint32(4) & 1 ? view.getUint32(8) : 0;
}
