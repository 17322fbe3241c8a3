/**
 * Takes apart the assistant's text (`format.ts` puts it together): a caption, a thinking part between `<think>` tags, an
 * answer. Never fails: a tag that is missing or written a little differently only moves text from one part to another.
 */
import type { Generation, Understanding } from './format.js';

/** A part of the assistant's text. */
export type TextPart = 'caption' | 'thinking' | 'answer';

/** More text of one part. */
export interface PartDelta {
  part: TextPart;
  delta: string;
}

/** `understanding`: caption, thinking, answer. `generation`: thinking, caption. */
export type TextForm = 'understanding' | 'generation';

const TAG = /<\s*(\/?)\s*think(?:ing)?\s*>/i;
/** A text's end that may become a tag with what follows. */
const HALF_TAG = /<[\s/a-z]{0,16}$/i;

/** Sorts text into parts while it arrives. The deltas of a part, joined, are the part without outer white space. */
export class PartSplitter {
  private readonly parts: Record<TextPart, string> = { caption: '', thinking: '', answer: '' };
  private part: TextPart = 'caption';
  /** white space or half a tag at the end: what it belongs to shows later */
  private held = '';

  constructor(private readonly form: TextForm) {}

  /** Takes more text and returns what can be said of it by now. */
  push(text: string): PartDelta[] {
    this.held += text;
    const deltas: PartDelta[] = [];
    for (let tag = TAG.exec(this.held); tag; tag = TAG.exec(this.held)) {
      this.say(this.held.slice(0, tag.index).trimEnd(), deltas);
      this.held = this.held.slice(tag.index + tag[0].length);
      if (tag[1] === '') this.part = 'thinking';
      else this.part = this.form === 'generation' ? 'caption' : 'answer';
    }
    const safe = this.held.replace(HALF_TAG, '').trimEnd().length;
    this.say(this.held.slice(0, safe), deltas);
    this.held = this.held.slice(safe);
    return deltas;
  }

  /** The text is over: what was held back as half a tag was none. */
  end(): PartDelta[] {
    const deltas: PartDelta[] = [];
    this.say(this.held.trimEnd(), deltas);
    this.held = '';
    return deltas;
  }

  /** The parts so far. */
  get result(): Readonly<Record<TextPart, string>> {
    return this.parts;
  }

  private say(text: string, deltas: PartDelta[]): void {
    const delta = this.parts[this.part] === '' ? text.trimStart() : text;
    if (delta === '') return;
    this.parts[this.part] += delta;
    deltas.push({ part: this.part, delta });
  }
}

function split(text: string, form: TextForm): Readonly<Record<TextPart, string>> {
  const splitter = new PartSplitter(form);
  splitter.push(text);
  splitter.end();
  return splitter.result;
}

/** Caption, thinking and answer. Without tags, all of it is the caption; text cut off while thinking has no answer. */
export function parseUnderstanding(text: string): Understanding {
  const { caption, thinking, answer } = split(text, 'understanding');
  return { caption, thinking, answer };
}

/** Thinking and caption. A closing tag alone ends the thinking; without tags, all of it is the caption. */
export function parseGeneration(text: string): Generation {
  const { thinking, caption } = split(TAG.exec(text)?.[1] === '/' ? `<think>${text}` : text, 'generation');
  return { thinking, caption };
}
