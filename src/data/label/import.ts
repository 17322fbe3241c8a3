/** Labels that others made: files as upstream writes them (`captions_rank0.jsonl`), taken into a run. */
import { basename, extname, resolve } from 'node:path';
import type { Inputs } from '../run/index.js';
import { idOf, rowsOf } from '../source/index.js';
import { type JsonObject, type Keyed, type Label, SetAside, type Stage, type Usage } from '../types.js';

export interface ImportedRow extends Keyed {
  row: JsonObject;
}

/** Rows of label files, keyed by what they call `utt_id` or `id`. @throws BagpiperError (while iterating) for a file that cannot be read */
export function labelRows(files: readonly string[]): Inputs<ImportedRow> {
  return async function* (wanted) {
    for (const file of files) {
      let number = 0;
      for await (const row of rowsOf(file)) {
        number++;
        const key = row.utt_id ?? row.id;
        const named = typeof key === 'string' || typeof key === 'number' ? String(key) : '';
        const id = idOf(named === '' ? `${basename(file, extname(file))}-row-${number}` : named);
        if (wanted(id)) yield { id, row: named === '' ? { ...row, utt_id: null } : row };
      }
    }
  };
}

/** Makes labels of rows. Nothing is judged: that is the filter's. */
export class LabelImport implements Stage<ImportedRow, Label> {
  readonly spec;

  constructor(files: readonly string[]) {
    this.spec = {
      stage: 'label',
      settings: { by: 'import', files: files.map((file) => resolve(file)) } satisfies JsonObject,
    };
  }

  async process({ id, row }: ImportedRow): Promise<Label> {
    const { utt_id = row.id, caption, duration, finish_reason, model } = row;
    const missing = [
      ...(utt_id === null || utt_id === undefined ? ['utt_id'] : []),
      ...(typeof caption === 'string' ? [] : ['caption']),
      ...(typeof duration === 'number' ? [] : ['duration']),
    ];
    if (missing.length > 0) {
      throw new SetAside({ kind: 'missing_fields', message: `The row has no ${missing.join(', ')}.` });
    }
    return {
      id,
      caption: caption as string,
      duration: duration as number,
      usage: usageOf(row.usage),
      finish_reason: typeof finish_reason === 'string' ? finish_reason : '',
      model: typeof model === 'string' ? model : 'unknown',
    };
  }

  async close(): Promise<void> {}
}

function usageOf(value: unknown): Usage {
  const counts = (value ?? {}) as Partial<Usage>;
  const count = (name: keyof Usage): number => (typeof counts[name] === 'number' ? counts[name] : 0);
  const [prompt_tokens, completion_tokens] = [count('prompt_tokens'), count('completion_tokens')];
  return { prompt_tokens, completion_tokens, total_tokens: count('total_tokens') || prompt_tokens + completion_tokens };
}
