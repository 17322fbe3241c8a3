/**
 * Checks generation against reference data: `generation.json`. Every case is done twice: once by `generate`, whose ids must
 * be the reference's, and once by feeding the reference's rows to the decoder with its cache, which shows how far off the
 * scores are.
 */
import { BagpiperError } from '../errors.js';
import {
  type BagpiperConfig,
  buildRows,
  delayDeinterleave,
  type Modality,
  type SegmentDefaults,
} from '../model/index.js';
import { checkFeatures, type FeaturePlace } from '../model/parity-forward.js';
import { isRequired, type ParityLine, ParityReport, readingCase, referenceJson } from '../model/parity-lines.js';
import type { ReferenceNetworks } from '../model/parity-networks.js';
import { type GoldenMessage, goldenMessages } from '../model/parity-sequences.js';
import { Random } from '../random.js';
import type { Device } from '../runtime/index.js';
import { openSafetensors, type Safetensors } from '../weights/index.js';
import { Decoder } from './decoder.js';
import { generate } from './generate.js';
import { checkDistributions, checkMasks } from './parity-picking.js';
import { replay, type TraceSegment } from './parity-trace.js';
import { Scheduler } from './scheduler.js';

/** A segment of a case: its trace, and what became of it. */
interface GoldenSegment extends TraceSegment {
  ended_by: string;
  rows: number[][];
  text_ids?: number[];
  codes?: number[][];
}

interface GenerationCase {
  name: string;
  config: { enforce_modality?: Modality[] } & Partial<Record<Modality, Partial<SegmentDefaults>>>;
  messages: GoldenMessage[];
  prompt: { length: number; ids: number[][]; continuous?: FeaturePlace[] };
  segments: GoldenSegment[];
  final_cache_rows: number;
}

/** The rows of a prompt, with adapted features [rows, hidden] where `isFeature` [rows] is 1. */
interface Prompt {
  ids: Int32Array;
  features: Float32Array;
  isFeature: Float32Array;
}

/**
 * Runs every case of `generation.json`, its masks and its sampling distributions.
 *
 * @throws BagpiperError where a file or a tensor of the reference data is missing or of another shape
 */
export async function checkGeneration(
  folder: string,
  networks: ReferenceNetworks,
  threads?: number,
  device?: Device,
): Promise<ParityLine[]> {
  const path = `${folder}/generation.json`;
  const json = referenceJson(path);
  const cases = json.cases as GenerationCase[] | undefined;
  if (!Array.isArray(cases) || cases.length === 0) throw new BagpiperError(`${path} holds no "cases".`);
  const file = openSafetensors(`${folder}/generation.safetensors`);
  const lines = [
    ...(await readingCase(path, 'allowed_ids', async () => checkMasks(json.allowed_ids, networks.config))),
    ...(await readingCase(path, 'sampling_distribution', async () => checkDistributions(json.sampling_distribution))),
  ];
  const decoder = await Decoder.create(networks.config, { threads, device, parameters: networks.parameters });
  for (const entry of cases) {
    const report = new ParityReport(`generation/${entry.name}.`, isRequired(entry.name));
    await readingCase(path, entry.name, () => checkCase(report, entry, file, networks, decoder));
    lines.push(...report.lines);
  }
  await decoder.release();
  return lines;
}

async function checkCase(
  report: ParityReport,
  entry: GenerationCase,
  file: Safetensors,
  networks: ReferenceNetworks,
  decoder: Decoder,
): Promise<void> {
  const { config } = networks;
  const prompt = await readPrompt(report, entry, file, networks);
  const lane = new Scheduler(decoder).open();
  await lane.prefill({ count: prompt.isFeature.length, ...prompt });
  const segments = await generate(lane, config, {
    segments: entry.config.enforce_modality ?? [],
    text: settings(entry, 'text'),
    audio: settings(entry, 'audio'),
    random: new Random(0),
  });
  report.exact('segments', [segments.length], [entry.segments.length]);
  for (const [k, { modality, endedBy, rows }] of segments.entries()) {
    const expected = entry.segments[k];
    if (expected === undefined) break;
    report.word(`${k}.modality`, modality, expected.modality);
    report.word(`${k}.ended_by`, endedBy, expected.ended_by);
    // The reference lists the end row among the rows.
    const content = expected.ended_by === 'max_step' ? expected.rows : expected.rows.slice(0, -1);
    const ids = Int32Array.from(rows.flatMap((row) => [...row]));
    report.exact(`${k}.rows`, ids, content.flat());
    if (expected.text_ids) {
      const text = rows.map((row) => row[0] - config.text_token_offset);
      report.exact(`${k}.text_ids`, text, expected.text_ids);
    }
    if (expected.codes) report.exact(`${k}.codes`, delayDeinterleave(ids, config), expected.codes.flat());
  }
  report.exact('cache_rows', [lane.length], [entry.final_cache_rows]);
  await lane.close();

  await feedPrompt(decoder, prompt, config);
  for (const [k, segment] of entry.segments.entries()) {
    const tensors = { file, name: `${entry.name}.${k}` };
    await replay(report, k, segment, settings(entry, segment.modality).min_step, tensors, networks, decoder);
  }
}

/** Decoding settings of a case; what it does not say has the reference's default. */
function settings(entry: GenerationCase, modality: Modality): SegmentDefaults {
  return { temperature: 0, topk: 20, cfg: 1, min_step: 1, max_step: 2048, ...entry.config[modality] };
}

/** Builds the rows of a prompt and compares them. */
async function readPrompt(
  report: ParityReport,
  entry: GenerationCase,
  file: Safetensors,
  networks: ReferenceNetworks,
): Promise<Prompt> {
  const { config } = networks;
  const { prompt } = entry;
  const grid = buildRows(goldenMessages(entry.messages), config, { mode: 'inference' });
  const ids = Int32Array.from(prompt.ids.flat());
  report.exact('prompt.ids', grid.ids, ids);
  const places = (spans: readonly { start: number; length: number }[]) => spans.flatMap((s) => [s.start, s.length]);
  const continuous = prompt.continuous ?? [];
  report.exact('prompt.continuous', places(grid.continuous), places(continuous));
  const width = config.hidden_size;
  const features = new Float32Array(prompt.length * width);
  const isFeature = new Float32Array(prompt.length);
  for (const { start, adapted } of await checkFeatures(report, `${entry.name}.`, continuous, file, networks)) {
    features.set(adapted, start * width);
    isFeature.fill(1, start, start + adapted.length / width);
  }
  return { ids, features, isFeature };
}

/** Starts a sequence with a prompt. */
async function feedPrompt(decoder: Decoder, { ids, features, isFeature }: Prompt, config: BagpiperConfig) {
  decoder.clear(0);
  decoder.clear(1);
  const count = ids.length / config.num_stream;
  await decoder.feed({ slot: 0, slots: 1, count, ids, features, isFeature });
}
