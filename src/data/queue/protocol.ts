/** What coordinator and workers tell each other through Redis, and under which names. */
import { readFileSync } from 'node:fs';
import type { Keyed, Line, StageSpec } from '../types.js';

/** The queue's name and what begins all names in Redis. The braces keep them on one node of a cluster. */
export const QUEUE = 'records';
export const PREFIX = '{bagpiper}';

/** Seconds that a result waits for a coordinator that does not come back, and that a campaign is remembered. */
export const KEEP = 7 * 24 * 3600;
/** Seconds after which a worker without a sign of life is not counted, and between those signs. */
export const SILENT_AFTER = 15;
export const SIGN_EVERY = 5;

/** One run's stage with its settings: what a worker needs to know once. Kept under `{bagpiper}:campaign:NAME`. */
export interface Campaign {
  /** the package's version, which must be the worker's */
  version: string;
  spec: StageSpec;
  /** for people: the run's folder, and who asks */
  run: string;
  coordinator: string;
}

/** A job: one record. Its id is CAMPAIGN.RECORD, so a record is at most once in the queue. */
export interface JobData {
  campaign: string;
  input: Keyed;
}

/** What a worker makes of a job. */
export type JobResult =
  | { line: Line }
  /** concerns all records; `server` where the same may succeed later */
  | { fatal: string; server: boolean; worker: string }
  /** the worker has not even the folder of the record's sound */
  | { unreadable: string; message: string; worker: string }
  /** the campaign is not there any more */
  | { dropped: true };

export const campaignKey = (campaign: string): string => `${PREFIX}:campaign:${campaign}`;
/** Names the campaign that is the newest of a run's stage. */
export const newestKey = (token: string): string => `${PREFIX}:newest:${token}`;
/** Sorted set of workers by the time of their last sign of life, and a hash of what they said. */
export const SEEN_KEY = `${PREFIX}:workers:seen`;
export const SAID_KEY = `${PREFIX}:workers:said`;

export const jobIdOf = (campaign: string, record: string): string => `${campaign}.${record}`;

/** The version in package.json. */
export function packageVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
