import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generationText, understandingText } from '../../src/tasks/format.js';
import { PartSplitter, parseGeneration, parseUnderstanding, type TextForm } from '../../src/tasks/parse.js';

/** What a splitter says of a text that comes in pieces: each part's deltas joined. */
function streamed(pieces: readonly string[], form: TextForm): Record<string, string> {
  const splitter = new PartSplitter(form);
  const parts: Record<string, string> = { caption: '', thinking: '', answer: '' };
  for (const { part, delta } of [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()]) {
    parts[part] += delta;
  }
  return parts;
}

describe('parseUnderstanding', () => {
  it('takes apart what understandingText puts together', () => {
    const parts = { caption: 'A dog barks.\nTwice.', thinking: 'The dog\n\nis near.', answer: 'Two times.' };
    expect(parseUnderstanding(understandingText(parts))).toEqual(parts);
  });

  it('takes all of a text without tags as the caption', () => {
    expect(parseUnderstanding('  Rain falls.\n')).toEqual({ caption: 'Rain falls.', thinking: '', answer: '' });
  });

  it('has no answer where the text was cut off while thinking', () => {
    expect(parseUnderstanding('Rain.\n\n<think>\nIt is')).toEqual({ caption: 'Rain.', thinking: 'It is', answer: '' });
  });

  it('knows tags that are written a little differently', () => {
    expect(parseUnderstanding('Rain.< Think >wet</thinking >Yes.')).toEqual({
      caption: 'Rain.',
      thinking: 'wet',
      answer: 'Yes.',
    });
  });

  it('keeps other angle brackets', () => {
    expect(parseUnderstanding('a < b <thin').caption).toBe('a < b <thin');
  });
});

describe('parseGeneration', () => {
  it('takes apart what generationText puts together', () => {
    const parts = { thinking: '1. Event: rain', caption: 'Rain falls.' };
    expect(parseGeneration(generationText(parts))).toEqual(parts);
  });

  it('lets a closing tag alone end the thinking', () => {
    expect(parseGeneration('rain it is</think>Rain.')).toEqual({ thinking: 'rain it is', caption: 'Rain.' });
  });

  it('takes all of a text without tags as the caption', () => {
    expect(parseGeneration('Rain.')).toEqual({ thinking: '', caption: 'Rain.' });
  });
});

describe('PartSplitter', () => {
  const text = 'A bell rings. \n\n<think>\nIt is < near.\n</think>\n\nOne bell.\n';

  it('says the same however the text is cut', () => {
    const whole = { caption: 'A bell rings.', thinking: 'It is < near.', answer: 'One bell.' };
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((to, i) => text.slice(at[i], to));
        expect(streamed(pieces, 'understanding')).toEqual(whole);
      }),
      { seed: 1 },
    );
  });

  it('never loses a visible character of any text', () => {
    const visible = (s: string): string => s.replace(/\s/g, '');
    fc.assert(
      fc.property(fc.array(fc.constantFrom('<', '/', 'th', 'ink', '>', ' ', 'a', '\n')), (pieces) => {
        const { caption, thinking, answer } = streamed(pieces, 'generation');
        const said = visible(caption + thinking + answer).length;
        const tags = pieces.join('').match(/<\s*\/?\s*think(?:ing)?\s*>/gi) ?? [];
        expect(said).toBe(visible(pieces.join('')).length - visible(tags.join('')).length);
      }),
      { seed: 1 },
    );
  });

  it('says text at once where no tag can come of it', () => {
    const splitter = new PartSplitter('understanding');
    expect(splitter.push('A bell')).toEqual([{ part: 'caption', delta: 'A bell' }]);
    expect(splitter.push(' <th')).toEqual([]);
    expect(splitter.push('ree>')).toEqual([{ part: 'caption', delta: ' <three>' }]);
  });
});
