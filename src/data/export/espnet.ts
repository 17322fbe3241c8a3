/** A run as ESPnet's recipe for Bagpiper trains on it: manifests, texts, cuts, dialogues, statistics, sound, configurations. */
import { mkdirSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { BagpiperError } from '../../errors.js';
import { writeFileAtomically } from '../../files.js';
import type { Tokenizer } from '../../text/index.js';
import type { Message } from '../types.js';
import { checkExport, type ExportCheck } from './check.js';
import { Each } from './each.js';
import { answeredRows, conversationRows, heardRows, textRows } from './lengths.js';
import { type ExportOptions, LeftOut } from './progress.js';
import {
  type Attention,
  BATCH_SIZE,
  launchScript,
  RECIPE_STAGES,
  registry,
  type StageData,
  stageConfig,
} from './recipe.js';
import { audioOfCaption, audioOfDialogue, captionsOf, contentsOf, dialoguesOf, isSpeech } from './records.js';
import type { SetKind, SetReport } from './sets.js';
import { RATE, type SoundFile } from './sound.js';
import type { Split } from './split.js';
import { AsideFiles } from './stream.js';

export interface EspnetOptions extends ExportOptions {
  /** that of Qwen3-8B-Base */
  tokenizer: Tokenizer;
  /** begins the names of the data sets (default: the run folder's) */
  name?: string;
  attention?: Attention;
}

export interface EspnetReport {
  format: 'espnet';
  sets: Record<string, SetReport>;
  leftOut: LeftOut;
  check: ExportCheck;
}

/** Tasks of the recipe by kind of record. */
const TASKS_OF: Record<SetKind, readonly string[]> = {
  captions: ['audio_to_text', 'text_to_audio'],
  dialogues: ['dialogue'],
  tts: ['dialogue'],
};

/**
 * Writes the export. What is there already of its sound is kept, so a stopped export goes on; the other files are written
 * aside and appear at the end, export.json last.
 *
 * @throws BagpiperError for folders that cannot serve; the signal's reason
 */
export async function exportEspnet(run: string, out: string, options: EspnetOptions): Promise<EspnetReport> {
  const folder = resolve(out);
  const odd = /[:\s]/.exec(folder);
  if (odd) {
    throw new BagpiperError(
      `${folder} holds ${JSON.stringify(odd[0])}, at which ESPnet splits its specifiers; choose another folder.`,
    );
  }
  mkdirSync(folder, { recursive: true });
  const name = (options.name ?? basename(resolve(run))).replace(/[^\w.-]+/g, '-');
  const files = new AsideFiles();
  const writer = new EspnetWriter(run, folder, name, options, files);
  try {
    await writer.captions();
    await writer.dialogues();
    return await writer.finish();
  } catch (error) {
    await files.abandon();
    throw error;
  } finally {
    await writer.each.close();
  }
}

class EspnetWriter {
  readonly each: Each;
  private readonly sets = new Map<string, SetReport>();
  private readonly leftOut = new LeftOut();

  constructor(
    private readonly run: string,
    private readonly folder: string,
    private readonly name: string,
    private readonly options: EspnetOptions,
    private readonly files: AsideFiles,
  ) {
    this.each = new Each(run, join(folder, 'audio'), this.leftOut, options);
  }

  async captions(): Promise<void> {
    if (!contentsOf(this.run).captions) return;
    const { tokenizer } = this.options;
    for await (const { record, sound, split } of this.each.of('captions', captionsOf(this.run), audioOfCaption)) {
      const { id, caption } = record;
      const set = await this.set('captions', split);
      await this.files.line(join(this.folder, 'text', `${split}.jsonl`), { id, text: caption });
      await this.files.line(join(this.folder, 'cuts', split, 'cuts.jsonl.gz'), cut(id, sound));
      const words = textRows(caption, tokenizer);
      await this.count(set, 'audio_to_text', id, 1 + 3 + heardRows(sound.samples) + 3 + words);
      await this.count(set, 'text_to_audio', id, 1 + 3 + words + 3 + answeredRows(sound.samples));
      await this.add(set, id, sound.samples);
    }
  }

  async dialogues(): Promise<void> {
    const { tokenizer } = this.options;
    for await (const { record, sound, split } of this.each.of('dialogues', dialoguesOf(this.run), audioOfDialogue)) {
      const { id, metadata } = record;
      const kind = isSpeech(record) ? 'tts' : 'dialogues';
      const set = await this.set(kind, split);
      const messages = record.messages.map(
        ([role, modality, content]): Message => [role, modality, modality === 'audio' ? sound.path : content],
      );
      await this.files.line(this.dialogueFile(kind, split), { example_id: id, messages, metadata });
      await this.count(
        set,
        'dialogue',
        id,
        conversationRows(messages, () => sound.samples, tokenizer),
      );
      await this.add(set, id, sound.samples);
    }
  }

  /** Manifests, configurations, script; then everything gets its name and is checked. */
  async finish(): Promise<EspnetReport> {
    const manifests = new Map<string, string>();
    for (const [name, set] of this.sets) {
      manifests.set(name, set.manifest);
      await this.files.text(set.manifest, ']}\n');
    }
    if (this.sets.size === 0) throw new BagpiperError(`${this.run} has nothing to export: every record was left out.`);
    await this.files.close();
    const stages = this.stages();
    for (const name of stages.keys()) {
      await this.write(`conf/${name}.yaml`, stageConfig(name, this.options.attention ?? 'flash_attention_3'));
    }
    await this.write('registry.yaml', registry(manifests));
    await this.write('launch.sh', launchScript(this.folder, stages));
    await chmod(join(this.folder, 'launch.sh'), 0o755);
    const sets = Object.fromEntries(this.sets);
    const check = await checkExport(this.folder, sets, this.options);
    const report: EspnetReport = { format: 'espnet', sets, leftOut: this.leftOut, check };
    await this.write('export.json', `${JSON.stringify(report, null, 2)}\n`);
    return report;
  }

  /** Stages of the recipe that the data serve, each with the specifiers of its sets. */
  private stages(): Map<string, StageData> {
    const kinds: Record<string, SetKind> = {
      warmup: 'captions',
      pretrain: 'captions',
      sft: 'dialogues',
      tts_sft: 'tts',
    };
    const stages = new Map<string, StageData>();
    for (const stage of Object.keys(RECIPE_STAGES)) {
      const data: StageData = { train: [], valid: [] };
      for (const [name, { kind, split, manifest }] of this.sets) {
        if (kind === kinds[stage]) for (const task of TASKS_OF[kind]) data[split].push(`${task}:${name}:${manifest}`);
      }
      if (data.train.length > 0) stages.set(stage, data);
    }
    return stages;
  }

  /** The set's counts; its manifest is begun when its first sample comes. */
  private async set(kind: SetKind, split: Split): Promise<string> {
    const name = `${this.name}_${kind}_${split}`;
    if (!this.sets.has(name)) {
      const manifest = join(this.folder, `${kind}_${split}.json`);
      this.sets.set(name, { kind, split, manifest, samples: 0, seconds: 0, tasks: {} });
      await this.files.text(manifest, `{"data_entry": ${JSON.stringify(this.entries(kind, split))},\n"samples": [`);
    }
    return name;
  }

  private entries(kind: SetKind, split: Split): object[] {
    if (kind !== 'captions') {
      return [{ name: 'dialogue', path: this.dialogueFile(kind, split), reader: 'dialogue' }];
    }
    return [
      { name: 'audio1', path: join(this.folder, 'cuts', split), reader: 'lhotse_audio' },
      { name: 'text1', path: join(this.folder, 'text', `${split}.jsonl`), reader: 'text' },
    ];
  }

  private dialogueFile(kind: SetKind, split: Split): string {
    return join(this.folder, kind === 'tts' ? 'dialogue-tts' : 'dialogue', `${split}.jsonl`);
  }

  private async count(name: string, task: string, id: string, rows: number): Promise<void> {
    const { tasks } = this.sets.get(name)!;
    tasks[task] ??= { rows: 0, tooLong: 0 };
    tasks[task].rows += rows;
    if (rows > BATCH_SIZE) tasks[task].tooLong++;
    await this.files.line(statsFile(this.folder, task, name), { [id]: rows });
  }

  private async add(name: string, id: string, samples: number): Promise<void> {
    const set = this.sets.get(name)!;
    await this.files.text(set.manifest, `${set.samples > 0 ? ',\n' : ''}${JSON.stringify(id)}`);
    set.samples++;
    set.seconds += samples / RATE;
  }

  private async write(file: string, text: string): Promise<void> {
    mkdirSync(join(this.folder, 'conf'), { recursive: true });
    await writeFileAtomically(join(this.folder, file), text);
  }
}

export const statsFile = (folder: string, task: string, name: string): string =>
  join(folder, 'stats', `stats_${task}_${name}.jsonl`);

/** A file as a whole as Lhotse's cut. */
function cut(id: string, { path, samples }: SoundFile): object {
  const duration = samples / RATE;
  const recording = {
    id,
    sources: [{ type: 'file', channels: [0], source: path }],
    sampling_rate: RATE,
    num_samples: samples,
    duration,
    channel_ids: [0],
  };
  return { id, start: 0, duration, channel: 0, supervisions: [], recording, type: 'MonoCut' };
}
