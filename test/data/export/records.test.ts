import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captionsOf, dialoguesOf } from '../../../src/data/export/records.js';

let run: string;
beforeAll(() => {
  run = mkdtempSync(join(tmpdir(), 'bagpiper-records-'));
});
afterAll(() => rmSync(run, { recursive: true, force: true }));

const write = (stage: string, lines: object[]): void =>
  writeFileSync(join(run, `${stage}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
const clip = (id: string) => ({ id, result: { id, audio: { uri: `/${id}.wav` }, seconds: 3 } });
const label = (id: string, finish_reason = 'stop') => ({
  id,
  result: { id, caption: `The sound of ${id}.`, finish_reason, model: 'm' },
});
const error = (id: string) => ({ id, error: { kind: 'refused', message: 'no' } });
const idsOf = async (records: AsyncIterable<{ id: string }>): Promise<string[]> => {
  const ids: string[] = [];
  for await (const { id } of records) ids.push(id);
  return ids;
};

describe('records of a run', () => {
  it('are those that every stage has a result of, in the order of the clips, whatever the order of the others', async () => {
    write('clips', ['a', 'b', 'c', 'd', 'e', 'f'].map(clip));
    write('label', [label('f'), error('b'), label('d', 'length'), label('c'), label('a'), label('e'), error('x')]);
    expect(await idsOf(captionsOf(run))).toEqual(['a', 'c', 'e', 'f']);
    write('filter', [
      { id: 'e', aside: { kind: 'short', message: '' } },
      ...['f', 'd', 'c', 'a'].map((id) => ({ id, result: { id } })),
    ]);
    expect(await idsOf(captionsOf(run))).toEqual(['a', 'c', 'f']);
    for await (const record of captionsOf(run)) {
      expect(record).toMatchObject({ clip: { id: record.id }, caption: `The sound of ${record.id}.`, model: 'm' });
    }
  });

  it('are dialogues that were judged, where there is a judge', async () => {
    const dialogue = (id: string) => ({
      id,
      result: { id, audio: { uri: '/a.wav' }, messages: [['user', 'text', 'What?']], metadata: { category: 'who' } },
    });
    write('understanding-dialogues', ['p', 'q', 'r'].map(dialogue));
    expect(await idsOf(dialoguesOf(run))).toEqual(['p', 'q', 'r']);
    write('understanding-judged', [error('q'), error('r'), error('p')]);
    expect(await idsOf(dialoguesOf(run))).toEqual([]);
  });
});
