/** The configuration of `bagpiper train`: a YAML or JSON file, checked, with everything filled in. docs/training.md explains it. */
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { parse } from 'yaml';
import { BagpiperError, messageOf } from '../../errors.js';
import { FieldReader, type JsonObject } from '../../model/index.js';
import { type DataSource, TASKS, type Task } from '../records/types.js';
import type { ScheduleOptions } from '../schedule.js';

/** A stage: its data, how long and how fast it learns, and what stays as it is. */
export interface TuneStage {
  name: string;
  data: DataSource[];
  schedule: ScheduleOptions;
  clip: number;
  weightDecay: number;
  /** beginnings of parameter names */
  freeze: string[];
  /** probability that a sample with answered sound loses its condition; null: as the model's config says */
  audioCfg: number | null;
}

/** What the model is asked along the way. Sounds are paths. */
export interface Auditions {
  /** steps between two; 0 for never */
  every: number;
  describe: string[];
  ask: { audio: string; question: string }[];
  render: string[];
}

export interface TuneSettings {
  /** folder or pulled model to start from; undefined: the packaged one */
  start: string | undefined;
  /** fields of config.json that differ: the language model then starts from nothing, encoder and codec are taken over */
  sizes: JsonObject | null;
  out: string;
  /** where features and codes are kept */
  cache: string;
  seed: string;
  threads: number | undefined;
  /** packed rows of a step, and places of each */
  packs: number;
  rows: number;
  codecSoftmax: 'own' | 'all';
  stages: TuneStage[];
  valid: DataSource[];
  validEvery: number;
  auditions: Auditions;
  checkpointMinutes: number;
}

const STAGE_FIELDS = ['data', 'steps', 'rate', 'warmup', 'floor', 'clip', 'weight_decay', 'freeze', 'audio_cfg'];
const FIELDS = ['start', 'sizes', 'out', 'cache', 'seed', 'threads', 'packs', 'rows', 'codec_softmax', 'stages'];
const RUN_FIELDS = ['valid', 'valid_every', 'samples', 'checkpoint_minutes'];

/** @throws BagpiperError naming the file and the field */
export function readTuneSettings(path: string): TuneSettings {
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new BagpiperError(`${path} cannot be read as YAML or JSON: ${messageOf(error)}.`);
  }
  return parseTuneSettings(content, path);
}

/** @param file names the configuration in errors; paths in it count from its folder */
export function parseTuneSettings(content: unknown, file: string): TuneSettings {
  const read = new FieldReader(content, file);
  const json = content as JsonObject;
  onlyKnown(json, [...FIELDS, ...RUN_FIELDS, ...STAGE_FIELDS], read);
  const at = (path: string): string => (isAbsolute(path) ? path : resolve(dirname(file), path));
  const start = read.text('start', 'nano');
  const out = read.text('out', '');
  if (out === '') read.fail('out', 'is missing; name the folder to write the model to');
  const threads = json.threads === undefined ? undefined : read.count('threads', 1, 1, 1024);
  return {
    start: start === 'nano' ? undefined : /^[.\\/]|[\\/].*[\\/]/.test(start) ? at(start) : start,
    sizes: read.object('sizes'),
    out: at(out),
    cache: at(read.text('cache', `${out}/heard`)),
    seed: String(json.seed ?? 'bagpiper'),
    threads,
    packs: read.count('packs', 2, 1, 1024),
    rows: read.count('rows', 640, 16, 65536),
    codecSoftmax: read.choice('codec_softmax', ['own', 'all'], 'own'),
    stages: parseStages(json, read, file, at),
    valid: json.valid === undefined ? [] : sources(json.valid, 'valid', read, at),
    validEvery: read.count('valid_every', 50),
    auditions: parseAuditions(read, at),
    checkpointMinutes: read.number('checkpoint_minutes', 3, 0, 1e6),
  };
}

type Resolve = (path: string) => string;

function onlyKnown(json: JsonObject, known: readonly string[], read: FieldReader): void {
  const odd = Object.keys(json).find((field) => !known.includes(field));
  if (odd !== undefined) read.fail(odd, `is not known; accepted are ${known.join(', ')}`);
}

/** Stages take what they do not say from the file's top; without `stages` the top is the one stage. */
function parseStages(json: JsonObject, read: FieldReader, file: string, at: Resolve): TuneStage[] {
  const list = read.list('stages', [{ name: 'train' }]);
  const shared = Object.fromEntries(STAGE_FIELDS.filter((f) => f in json).map((f) => [f, json[f]]));
  const names = new Set<string>();
  if (list.length === 0) read.fail('stages', 'is empty; give at least one, or leave it out');
  return list.map((own, i) => {
    const where = `${file}, stage ${i + 1}`;
    const stageRead = new FieldReader(own, where);
    onlyKnown(own as JsonObject, ['name', ...STAGE_FIELDS], stageRead);
    const stage = parseStage({ ...shared, ...(own as JsonObject) }, where, i, at);
    if (names.has(stage.name)) stageRead.fail('name', `is "${stage.name}", as that of another stage`);
    names.add(stage.name);
    return stage;
  });
}

function parseStage(json: JsonObject, where: string, index: number, at: Resolve): TuneStage {
  const read = new FieldReader(json, where);
  const name = read.text('name', `stage-${index + 1}`);
  if (!/^[\w.-]+$/.test(name) || name.startsWith('.'))
    read.fail('name', `is "${name}"; letters, digits, ".", "_" and "-" are accepted`);
  if (json.data === undefined) read.fail('data', 'is missing; give "task:path" or a list of such');
  const steps = json.steps === undefined ? read.fail('steps', 'is missing') : read.count('steps', 1);
  const freeze = read.list('freeze', []);
  if (!freeze.every((n): n is string => typeof n === 'string'))
    read.fail('freeze', 'holds something else than beginnings of parameter names');
  return {
    name,
    data: sources(json.data, 'data', read, at),
    schedule: {
      steps,
      peak: read.number('rate', 3e-4, 0, 10),
      warmup: read.count('warmup', Math.max(1, Math.round(steps / 20)), 0),
      floor: read.number('floor', 0.1, 0, 1),
    },
    clip: read.number('clip', 1, 0, 1e9),
    weightDecay: read.number('weight_decay', 0.01, 0, 1),
    freeze: freeze as string[],
    audioCfg: json.audio_cfg === undefined ? null : read.number('audio_cfg', 0, 0, 1),
  };
}

/** One source or a list; each "task:path", "task:path:factor", or an object with these fields. */
function sources(value: unknown, field: string, read: FieldReader, at: Resolve): DataSource[] {
  const list = Array.isArray(value) ? value : [value];
  if (list.length === 0) read.fail(field, 'is empty; give "task:path" or a list of such');
  return list.map((entry: unknown) => {
    const source = typeof entry === 'string' ? splitSource(entry) : entry;
    const own = new FieldReader(source, `${read.where}, ${field}`);
    onlyKnown(source as JsonObject, ['task', 'path', 'factor'], own);
    const path = own.text('path', '');
    if (!/\.jsonl?$/.test(path)) {
      own.fail(
        'path',
        `is "${path}"; a manifest (.json) or a file of lines (.jsonl) is accepted, as in "dialogue:train.json"`,
      );
    }
    return {
      task: own.choice<Task>('task', TASKS),
      path: at(path),
      factor: own.number('factor', 1, Number.MIN_VALUE, 1e6),
    };
  });
}

function splitSource(entry: string): JsonObject {
  const task = TASKS.find((name) => entry.startsWith(`${name}:`));
  const rest = task === undefined ? entry : entry.slice(task.length + 1);
  const factor = /:([\d.]+)$/.exec(rest);
  const path = factor ? rest.slice(0, factor.index) : rest;
  return { ...(task === undefined ? {} : { task }), path, ...(factor ? { factor: Number(factor[1]) } : {}) };
}

function parseAuditions(parent: FieldReader, at: Resolve): Auditions {
  const block = parent.object('samples');
  const read = new FieldReader(block ?? {}, `${parent.where}, samples`);
  onlyKnown(block ?? {}, ['every', 'describe', 'ask', 'render'], read);
  const texts = (field: string): string[] =>
    read.list(field, []).map((v) => (typeof v === 'string' ? v : read.fail(field, 'must be a list of texts')));
  return {
    every: block === null ? 0 : read.count('every', 100, 0),
    describe: texts('describe').map(at),
    ask: read.list('ask', []).map((entry) => {
      const own = new FieldReader(entry, `${read.where}.ask`);
      return { audio: at(own.text('audio', '')), question: own.text('question', '') };
    }),
    render: texts('render'),
  };
}
