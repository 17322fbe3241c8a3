/** Which files of a repository are wanted. */
import { BagpiperError } from '../../errors.js';
import type { HubFile } from './listing.js';

/** A file that is left where it is. */
export interface Skipped {
  path: string;
  size: number;
  why: string;
}

export interface Selection {
  wanted: HubFile[];
  skipped: Skipped[];
}

/** What a model's repository may hold beside the model, by the file's own name, and what it is called in messages. */
const LEFTOVERS: readonly (readonly [RegExp, string])[] = [
  [
    /_optim_states\.pt$|^(optimizer|scheduler|optim|rng_state|random_states)[\w-]*\.(pt|pth|bin|pkl)$/i,
    'training state',
  ],
  [/^(training_args|trainer_state|scaler|zero_to_fp32)[\w-]*\.(bin|json|pt|py)$/i, 'training state'],
  [/\.log$|^events\.out\.tfevents|\.tfevents(\.|$)|^log\.txt$/i, 'log'],
  [/\.(png|jpe?g|gif|svg|webp|bmp|ico|pdf)$/i, 'picture'],
  [/\.(wav|mp3|flac|ogg|opus|m4a|mp4|webm|mov)$/i, 'media'],
  [/\.(msgpack|h5|gguf|tflite|mlmodel)$|^(tf_model|rust_model)\./i, "another program's weights"],
  [/^\.git(attributes|ignore)$/, 'hidden'],
];

/** What a tokenizer consists of; a repository has some of them. */
export const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'vocab.json', 'merges.txt'] as const;

/**
 * Divides a repository's files.
 *
 * @param include patterns of what to take; none: everything but {@link LEFTOVERS}.
 * @throws BagpiperError where nothing is left, or a pattern fits no file.
 */
export function select(repo: string, files: readonly HubFile[], include: readonly string[] = []): Selection {
  if (include.length === 0) return byKind(repo, files);
  const patterns = include.map((text) => ({ text, test: globOf(text) }));
  for (const { text, test } of patterns) {
    if (files.some(({ path }) => test.test(path))) continue;
    throw new BagpiperError(`No file of ${repo} fits --include "${text}"; it has ${listOf(files)}.`);
  }
  const fits = ({ path }: HubFile): boolean => patterns.some(({ test }) => test.test(path));
  return { wanted: files.filter(fits), skipped: named(files, (file) => (fits(file) ? undefined : 'not included')) };
}

function byKind(repo: string, files: readonly HubFile[]): Selection {
  const leftover = ({ path }: HubFile): string | undefined => {
    const name = path.slice(path.lastIndexOf('/') + 1);
    return LEFTOVERS.find(([pattern]) => pattern.test(name))?.[1];
  };
  const wanted = files.filter((file) => leftover(file) === undefined);
  if (wanted.length === 0) {
    const has = files.length === 0 ? 'it is empty' : `it has only ${listOf(files)}`;
    throw new BagpiperError(`${repo} holds no model: ${has}; is the name right?`);
  }
  return { wanted, skipped: named(files, leftover) };
}

/** Whether a file may hold weights. */
export function isWeights({ path }: HubFile): boolean {
  return /\.(safetensors|pt|pth|bin)$/i.test(path);
}

/**
 * A pattern as in the hub's tools: `*` and `?` stand for any characters, slashes too, `[abc]` and `[!abc]` for one; a
 * pattern that ends with a slash means all below.
 */
export function globOf(pattern: string): RegExp {
  const whole = pattern.endsWith('/') ? `${pattern}*` : pattern;
  const source = whole.replace(/\[(!?)([^\]]+)\]|[*?]|[\\^$.|+(){}[\]]/g, (part, not?: string, set?: string) => {
    if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\^[\]]/g, '\\$&')}]`;
    if (part === '*') return '.*';
    return part === '?' ? '.' : `\\${part}`;
  });
  try {
    return new RegExp(`^${source}$`, 's');
  } catch {
    throw new BagpiperError(`--include "${pattern}" is no pattern; one such as "*.safetensors" is accepted.`);
  }
}

function named(files: readonly HubFile[], why: (file: HubFile) => string | undefined): Skipped[] {
  return files.flatMap((file) => {
    const reason = why(file);
    return reason === undefined ? [] : [{ path: file.path, size: file.size, why: reason }];
  });
}

function listOf(files: readonly HubFile[]): string {
  const names = files.slice(0, 5).map(({ path }) => path);
  return names.join(', ') + (files.length > 5 ? ` and ${files.length - 5} more` : '');
}
