/** Failures as the reasons that stand in a stage's file. */
import type { Failure } from '../../endpoints/index.js';
import type { Reason } from '../types.js';

const KINDS = { connection: 'connection', broken: 'broken', timeout: 'timeout', answer: 'bad_answer' } as const;

/** Countable kinds: connection, broken, timeout, bad_answer, busy, refused_400, status_500, ... */
export function reasonOf({ kind, again, message, details: { status } }: Failure): Reason {
  if (kind !== 'status' || status === undefined) return { kind: kind === 'status' ? 'status' : KINDS[kind], message };
  if (status === 429) return { kind: 'busy', message };
  return { kind: `${again === 'never' ? 'refused' : 'status'}_${status}`, message };
}
