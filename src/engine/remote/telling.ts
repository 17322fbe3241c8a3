/** An answer as the events that every engine tells. */
import type { EngineEvent, FinishedSegment, GenerateStats } from '../types.js';
import type { Ending, WholeAnswer } from './answer.js';
import { CODEBOOKS, HOP } from './request.js';

export type Tell = (event: EngineEvent) => void;

/** Pieces of text between two progress events. */
const PROGRESS = 10;

/** Tells the text's events and keeps what was told. */
export class TextTeller {
  text = '';
  rows = 0;
  private readonly asked = performance.now();
  private first: number | undefined;

  constructor(private readonly tell: Tell) {}

  begin(): void {
    this.first ??= performance.now();
    this.tell({ type: 'segment', index: 0, modality: 'text' });
  }

  say(delta: string): void {
    if (this.text === '') this.begin();
    this.text += delta;
    this.rows++;
    this.tell({ type: 'text', segment: 0, delta });
    if (this.rows % PROGRESS === 0) this.tell({ type: 'progress', segment: 0, rows: this.rows });
  }

  /** Seconds until the first text, and from there until now. */
  seconds(): GenerateStats['seconds'] {
    const now = performance.now();
    const first = this.first ?? now;
    return { encode: 0, prefill: (first - this.asked) / 1000, text: (now - first) / 1000, audio: 0, codec: 0 };
  }
}

/** Tells the end of an answer whose text was told as it came. */
export function tellStreamed(ending: Ending, teller: TextTeller, tell: Tell): void {
  const { text, rows } = teller;
  const seconds = teller.seconds();
  if (text === '') teller.begin();
  const { promptTokens: promptRows, completionTokens: textTokens } = ending;
  const endedBy = ending.cutShort ? 'max_step' : 'eos';
  tell({
    type: 'end',
    segments: [{ modality: 'text', endedBy, rows: textTokens || rows, text }],
    stats: { promptRows, textTokens, audioFrames: 0, seconds },
    warnings: text === '' ? ['The server answered with no text.'] : [],
  });
}

/** Tells all of an answer that came in one piece. Its time counts as the sound's: what of it was text is not known. */
export function tellWhole(answer: WholeAnswer, tries: number, teller: TextTeller, tell: Tell): void {
  const { text, samples, cutShort, promptTokens, completionTokens } = answer;
  const { prefill } = teller.seconds();
  if (text === '') teller.begin();
  else teller.say(text);
  const audioFrames = Math.round((samples?.length ?? 0) / HOP);
  // Sound takes a token a frame, and one more for each frame by which the last codebook comes late.
  const sounding = samples ? audioFrames + CODEBOOKS - 1 : 0;
  const textTokens = Math.max(0, completionTokens - sounding);
  const endedBy = cutShort ? 'max_step' : 'eos';
  const segments: FinishedSegment[] = [
    { modality: 'text', endedBy: samples ? 'eot' : endedBy, rows: textTokens, text },
  ];
  const warnings: string[] = [];
  if (samples) {
    tell({ type: 'segment', index: 1, modality: 'audio' });
    tell({ type: 'progress', segment: 1, rows: audioFrames });
    tell({ type: 'audio', segment: 1, samples });
    segments.push({ modality: 'audio', endedBy, rows: audioFrames, samples });
    if (tries > 1) warnings.push(`The server gave text without sound at first; the sound came at try ${tries}.`);
  } else {
    const often = tries === 1 ? '' : ` (${tries} tries)`;
    warnings.push(
      `The server gave text but no sound${often}: describe a scene instead of giving an order, try another seed or another system text ("" for checkpoints trained on speech alone), and see that the server makes sound at all.`,
    );
  }
  const seconds = { encode: 0, prefill: 0, text: 0, audio: prefill, codec: 0 };
  tell({ type: 'end', segments, stats: { promptRows: promptTokens, textTokens, audioFrames, seconds }, warnings });
}
