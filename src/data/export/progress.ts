/** What all exports share: options, progress, and the account of what was left out. */
import type { Reason } from '../types.js';

export interface ExportProgress {
  /** what is written, as in "captions" */
  what: string;
  /** records so far, and how many of them were left out */
  done: number;
  left: number;
}

export interface ExportOptions {
  /** part of the clips that is held out for validation, 0 to 1 (default 0.02) */
  valid?: number;
  signal?: AbortSignal;
  onProgress?: (progress: ExportProgress) => void;
}

export const DEFAULT_VALID = 0.02;
/** Records that were left out, by kind of reason, with one example of each. */
export class LeftOut {
  private readonly reasons: Record<string, { count: number; example: string }> = {};
  count = 0;

  add(id: string, { kind, message }: Reason): void {
    this.count++;
    this.reasons[kind] ??= { count: 0, example: `${id}: ${message}` };
    this.reasons[kind].count++;
  }

  toJSON(): Record<string, { count: number; example: string }> {
    return this.reasons;
  }
}
