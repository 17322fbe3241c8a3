import { describe, expect, it } from 'vitest';
import { annotationLines, captionText } from '../../../src/data/simulate/render.js';
import { emptyAnnotation, SCENES } from './scenes.js';

const [TRAIN, CAT, RIVER] = SCENES;

describe('an annotation as text', () => {
  it('says of every field what is there', () => {
    const text = captionText('Prose.', CAT!.annotation, 6);
    expect(text.split('\n').slice(0, 3)).toEqual([
      'Caption of the audio: Prose.',
      'S1 speaks from 0.50s to 2.00s. S2 speaks from 3.00s to 5.50s.',
      'There is no stated order of events in the audio.',
    ]);
    expect(text).toContain('The audio lasts 6.00s.');
    expect(text).toContain(
      'The words are: "Did you feed the cat this morning? Twice, and it still looks at me like that."',
    );
    expect(text).toContain('Speaker S2: age adult; gender female; timbre clear;');
    expect(text).toContain('The audio events are clock from 0.00s to 6.00s.\nclock: a steady tick.');
    expect(text).toContain('Counted: ticks 6 times.');
  });

  it('says of every field what is not there, once closed', () => {
    const lines = annotationLines(emptyAnnotation(), 1);
    expect(lines).toContain('There are no speaker turns in the audio.');
    expect(lines.filter((line) => /\.\.|null|undefined|NaN|\[object/.test(line))).toEqual([]);
    expect(lines.every((line) => /[.!?"]$/.test(line))).toBe(true);
    // Of music alone there are thirteen fields, and none is there.
    expect(lines.join(' ').match(/There (?:is|are) no /g)!.length).toBeGreaterThan(35);
  });

  it('tells of music and of stress', () => {
    const music = annotationLines(RIVER!.annotation, 10).join('\n');
    expect(music).toContain('Rhythm: 66 BPM, 4/4, straight feel, soft beat.');
    expect(music).toContain('Instruments: piano from 0.00s to 10.00s as accompaniment.');
    expect(music).toContain('The lyrics are: "Carry me over the river tonight"');
    const speech = annotationLines(TRAIN!.annotation, 4).join('\n');
    expect(speech).toContain(
      'The rhythm of the speech is hurried. Its intonation is falling. Of the words, "hurry" carries primary stress at 2.60s.',
    );
    expect(speech).toContain('S1 makes a request from 0.20s to 3.10s, to urge somebody on; sarcasm none.');
  });
});
