import { describe, expect, it } from 'vitest';
import {
  normalizedWords,
  quotations,
  TRANSCRIPT_LIMITS,
  transcriptAgreement,
  transcriptReason,
} from '../../../src/data/filter/transcript.js';
import { realLabels } from './captions.js';

const kind = (caption: string, said: string): string | undefined =>
  transcriptReason(caption, said, TRANSCRIPT_LIMITS)?.kind;

describe('transcripts', () => {
  it('finds what is quoted, in straight and curly marks', () => {
    expect(quotations('He says "one two" and \u201cthree\u201d. She: "four')).toEqual(['one two', 'three', 'four']);
    expect(quotations('It opens "never closed\n\nand "this" is')).toEqual(['never closed', 'this']);
  });

  it('brings both sides to the same words', () => {
    expect(normalizedWords("Um, Mr. Smith can't pay \u00a31,250 \u2013 it\u2019s 5% of 42!")).toEqual(
      'mister smith can not pay one thousand two hundred fifty it is five percent of forty two'.split(' '),
    );
    expect(normalizedWords('Caf\u00e9 007 & 100,000')).toEqual(
      'cafe zero zero seven and one hundred thousand'.split(' '),
    );
  });

  it('agrees with a real caption that comes back to words it quoted before', () => {
    const { caption } = realLabels('understanding')[0];
    const said = "The discovery of King Tutankhamun's tomb was one of the greatest archaeological finds of all time.";
    expect(transcriptAgreement(caption, said).wordErrorRate).toBe(0);
    expect(kind(caption, said)).toBeUndefined();
  });

  it('sees other words, missing and invented ones', () => {
    const said = 'please present your case today';
    expect(kind('He says "Please present your case today."', said)).toBeUndefined();
    expect(transcriptAgreement('"Please present your face today"', said).wordErrorRate).toBeCloseTo(0.2);
    expect(kind('He says "please sit down, the court is open"', said)).toBe('transcript_mismatch');
    expect(kind('A man addresses the court.', said)).toBe('transcript_mismatch');
    expect(kind('"Please present your case today. And bring the documents."', said)).toBe('transcript_mismatch');
    expect(transcriptReason('A man speaks.', said, TRANSCRIPT_LIMITS)?.message).toBe(
      '"please present your case today" was said, and the caption quotes nothing.',
    );
  });

  it('does not compare with next to nothing', () => {
    expect(kind('A man shouts.', 'Hey you')).toBeUndefined();
  });
});
