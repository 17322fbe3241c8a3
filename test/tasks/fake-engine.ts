/** An engine without a model: it tells what it was asked and answers from a list. */
import type { Engine, EngineEvent, EngineInfo, FinishedSegment, GenerateRequest } from '../../src/engine/types.js';

const settings = { temperature: 0.6, topk: 20, cfg: 1, min_step: 1, max_step: 100 };
const INFO: EngineInfo = {
  source: 'nowhere',
  name: 'fake',
  hash: 'abc',
  parameters: 0,
  threads: 1,
  codec: { hop: 640, codebooks: 8 },
  maxInputSeconds: 30,
  text: settings,
  audio: { ...settings, cfg: 3 },
};

export interface FakeAnswer {
  /** pieces of its text */
  text?: readonly string[];
  /** scores of the endings that it is asked about */
  endings?: readonly number[];
  endedBy?: FinishedSegment['endedBy'];
  /** never finishes after its text, until it is aborted */
  hangs?: boolean;
}

export class FakeEngine implements Engine {
  readonly info = INFO;
  readonly requests: GenerateRequest[] = [];
  /** requests that were left before their end */
  left = 0;
  closed = false;

  constructor(private readonly answers: readonly FakeAnswer[]) {}

  async *generate(request: GenerateRequest): AsyncGenerator<EngineEvent, void, void> {
    request.signal?.throwIfAborted();
    const { text = [], endedBy = 'eos', hangs, endings } = this.answers[this.requests.length % this.answers.length];
    this.requests.push(request);
    let whole = false;
    try {
      yield { type: 'phase', phase: 'prefill' };
      const segments: FinishedSegment[] = [];
      for (const [index, modality] of request.segments.entries()) {
        yield { type: 'segment', index, modality };
        if (modality === 'text') {
          for (const delta of text) yield { type: 'text', segment: index, delta };
          if (hangs) await aborted(request.signal);
          segments.push({ modality, endedBy, rows: text.length, text: text.join('') });
        } else {
          const samples = new Float32Array(640).fill(0.5);
          yield { type: 'progress', segment: index, rows: 1 };
          yield { type: 'audio', segment: index, samples };
          segments.push({ modality, endedBy, rows: 1, samples });
        }
      }
      const seconds = { encode: 1, prefill: 1, text: 1, audio: 1, codec: 1 };
      yield {
        type: 'end',
        segments,
        stats: { promptRows: 10, textTokens: text.length, audioFrames: 1, seconds },
        ...(request.endings && endings ? { endings } : {}),
      };
      whole = true;
    } finally {
      if (!whole) this.left++;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

async function aborted(signal: AbortSignal | undefined): Promise<never> {
  signal?.throwIfAborted();
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
}
