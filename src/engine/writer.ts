/** Turns the rows of an answer into events and results: text as it comes, sound as it comes, progress, statistics. */
import { BagpiperError } from '../errors.js';
import type { Model } from '../model/bagpiper.js';
import type { Codec, Modality } from '../model/index.js';
import { StreamDecoder } from '../text/index.js';
import type { SegmentRows } from './generate.js';
import { SoundStream } from './sound.js';
import type { EngineEvent, FinishedSegment, GenerateStats } from './types.js';

/** Picked rows between two progress events. */
const PROGRESS_ROWS = 10;

export class AnswerWriter {
  readonly finished: FinishedSegment[] = [];
  private index = 0;
  private since = 0;
  private text = '';
  private words: StreamDecoder | undefined;
  private sound: SoundStream | undefined;

  constructor(
    private readonly model: Model,
    private readonly codec: Codec | null,
    private readonly emit: (event: EngineEvent) => void,
    private readonly stats: GenerateStats,
  ) {}

  begin(index: number, modality: Modality): void {
    this.index = index;
    this.since = performance.now();
    this.emit({ type: 'segment', index, modality });
    if (modality === 'text') {
      this.text = '';
      this.words = new StreamDecoder(this.model.tokenizer);
      return;
    }
    if (!this.codec) throw new BagpiperError('This model has no codec: it cannot make sound.');
    const emit = (samples: Float32Array) => this.emit({ type: 'audio', segment: index, samples });
    this.sound = new SoundStream(this.model.config, this.codec, emit);
  }

  row(segment: number, row: Int32Array, step: number): void {
    if (this.words) {
      this.stats.textTokens++;
      this.say(this.words.push(row[0] - this.model.config.text_token_offset));
    } else this.sound!.push(row);
    if (step % PROGRESS_ROWS === 0) this.emit({ type: 'progress', segment, rows: step + 1 });
  }

  /** Waits for the sound that is still to be decoded. */
  async finish({ modality, endedBy, rows }: SegmentRows): Promise<void> {
    const segment = { modality, endedBy, rows: rows.length };
    if (this.words) {
      this.say(this.words.end());
      this.words = undefined;
      this.finished.push({ ...segment, text: this.text });
    } else {
      const sound = this.sound!;
      const samples = await sound.end();
      this.sound = undefined;
      this.stats.audioFrames += sound.frames;
      this.stats.seconds.codec += sound.seconds;
      this.finished.push({ ...segment, samples });
    }
    this.stats.seconds[modality] += (performance.now() - this.since) / 1000;
  }

  /** To be called when nothing more will come, also after a failure. */
  stop(): void {
    this.sound?.stop();
  }

  private say(delta: string): void {
    if (delta === '') return;
    this.text += delta;
    this.emit({ type: 'text', segment: this.index, delta });
  }
}
