/** A run as its folder tells it: stages with their logs, settings, what was heard. Reads only; training may go on meanwhile. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { openSafetensors } from '../../weights/index.js';
import { type RunDescription, readDescription } from '../description.js';
import { type Audition, listAuditions, readHeard } from '../heard.js';
import type { LogLine } from '../log.js';
import { LogTail } from './log-tail.js';

/** A stage as it is now. */
export interface StageView {
  name: string;
  lines: readonly LogLine[];
  /** steps done; 0 before the first */
  step: number;
  /** steps in all, where known */
  steps: number | undefined;
  /** when the log was last written, milliseconds; 0 where there is none yet */
  written: number;
  settings: Record<string, unknown>;
  /** of what was seen of it while it was watched: tokens a second, steps a second */
  pace: { tokens: number; steps: number } | undefined;
}

export interface RunView {
  stages: StageView[];
  /** the stage at work, or the last one that was; undefined before the first step */
  current: StageView | undefined;
  settings: Record<string, unknown>;
  /** newest first */
  auditions: Audition[];
}

/** Logs this many folders deep belong to a run, and no more than so many of them. */
const DEPTH = 2;
const MOST_STAGES = 100;
/** Speed is measured over so many milliseconds at most. */
const WINDOW = 120_000;

export class RunFolder {
  readonly samples: string;
  private readonly tails = new Map<string, LogTail>();
  private readonly marks = new Map<string, { at: number; lines: number }[]>();
  private readonly saved = new Map<string, { written: number; settings: Record<string, unknown> }>();
  private readonly heard = new Map<string, Audition>();

  /** @throws BagpiperError where there is no such folder, or nothing of a run in it */
  constructor(readonly path: string) {
    if (!existsSync(path) || !statSync(path).isDirectory()) {
      throw new BagpiperError(`${path} is no folder; name the folder of a training run ("out" in its configuration).`);
    }
    if (!readDescription(path) && this.logs().length === 0) {
      throw new BagpiperError(
        `${path} holds no training run: neither run.json nor a log.jsonl; name the folder that "out" named in the run's configuration.`,
      );
    }
    this.samples = join(resolve(path), 'samples');
  }

  /** The run as it is now. @param now milliseconds */
  read(now = Date.now()): RunView {
    const described = readDescription(this.path);
    const stages = this.stagesOf(described, now);
    const begun = stages.filter(({ step }) => step > 0);
    // The order of stages is that of work; without it, the log that was written last.
    const current = described
      ? begun.at(-1)
      : begun.reduce<StageView | undefined>(
          (last, stage) => (last && last.written > stage.written ? last : stage),
          undefined,
        );
    return { stages, current, settings: described?.settings ?? {}, auditions: this.auditions(stages) };
  }

  private stagesOf(described: RunDescription | undefined, now: number): StageView[] {
    const found = this.logs();
    const named = described?.stages ?? [];
    const rest = found.filter((name) => !named.some((stage) => stage.name === name));
    const others = rest.map((name) => {
      const settings = this.savedSettings(name);
      return { name, steps: stepsIn(settings), settings };
    });
    const stages = [...named, ...others].map(({ name, steps, settings }) => {
      const tail = this.tails.get(name) ?? new LogTail(join(this.path, name, 'log.jsonl'));
      this.tails.set(name, tail);
      tail.refresh();
      const { lines, written } = tail;
      const step = lines.at(-1)?.step ?? 0;
      return { name, lines, step, steps, written, settings, pace: this.paceOf(name, lines, now) };
    });
    // A log that stands in the folder itself has no name.
    return stages.map((stage) => (stage.name === '' ? { ...stage, name: 'train' } : stage));
  }

  /** Folders with a log, as paths below the run's; the longest untouched first. */
  private logs(): string[] {
    const found: { name: string; written: number }[] = [];
    const look = (name: string, depth: number): void => {
      const folder = join(this.path, name);
      const log = statSync(join(folder, 'log.jsonl'), { throwIfNoEntry: false });
      if (log) found.push({ name, written: log.mtimeMs });
      if (depth === DEPTH || found.length >= MOST_STAGES) return;
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        if (entry.isDirectory() && entry.name !== 'samples' && entry.name !== 'heard') {
          look(name === '' ? entry.name : `${name}/${entry.name}`, depth + 1);
        }
      }
    };
    look('', 0);
    return found.sort((a, b) => a.written - b.written || (a.name < b.name ? -1 : 1)).map(({ name }) => name);
  }

  /** Settings as the stage's checkpoint has them, for runs without a description. */
  private savedSettings(name: string): Record<string, unknown> {
    const path = join(this.path, name, 'checkpoint.safetensors');
    const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (written === undefined) return {};
    const known = this.saved.get(name);
    if (known?.written === written) return known.settings;
    const settings = settingsIn(path);
    this.saved.set(name, { written, settings });
    return settings;
  }

  private paceOf(name: string, lines: readonly LogLine[], now: number): StageView['pace'] {
    const before = this.marks.get(name) ?? [];
    const last = before.at(-1);
    const kept = last && lines.length < last.lines ? [] : before.filter(({ at }) => at >= now - WINDOW);
    if (kept.at(-1)?.lines !== lines.length) kept.push({ at: now, lines: lines.length });
    this.marks.set(name, kept);
    // The first mark is not the moment of a step; from the second on they are.
    const [first, end] = [kept[1], kept.at(-1)];
    if (!first || !end || end.lines <= first.lines || end.at <= first.at) return undefined;
    const seconds = (end.at - first.at) / 1000;
    const tokens = lines.slice(first.lines, end.lines).reduce((sum, line) => sum + (Number(line.tokens) || 0), 0);
    return { tokens: tokens / seconds, steps: (end.lines - first.lines) / seconds };
  }

  private auditions(stages: readonly StageView[]): Audition[] {
    const place = (name: string): number => stages.findIndex((stage) => stage.name === name);
    return listAuditions(this.samples)
      .map((audition) => {
        const known = this.heard.get(audition.name) ?? {
          ...audition,
          heard: readHeard(join(this.samples, audition.name)),
        };
        this.heard.set(audition.name, known);
        return known;
      })
      .sort((a, b) => place(b.stage) - place(a.stage) || b.step - a.step);
  }
}

function settingsIn(checkpoint: string): Record<string, unknown> {
  try {
    const { settings } = JSON.parse(openSafetensors(checkpoint).metadata.get('checkpoint') ?? '{}') as {
      settings?: string;
    };
    const parsed = JSON.parse(settings ?? 'null') as unknown;
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function stepsIn(settings: Record<string, unknown>): number | undefined {
  const { steps } = (settings.schedule ?? {}) as { steps?: unknown };
  return typeof steps === 'number' ? steps : undefined;
}
