/** Checks the audio encoder and its log-mel front end against reference data: `cases.safetensors`. */
import { logMel } from '../audio/index.js';
import { BagpiperError } from '../errors.js';
import { Graph } from '../graph/index.js';
import { type Device, Session, type SessionOptions } from '../runtime/index.js';
import { openModelFolder, openSafetensors, type Safetensors, toFloat32 } from '../weights/index.js';
import { encoderGraph, encoderTensors, layChunks, planEncoding } from './audio-encoder.js';
import { type AudioConfig, type BagpiperConfig, parseConfig } from './config.js';
import { adaptor } from './language-model.js';
import { isRequired, type ParityLine, ParityReport, readingCase, referenceTensor } from './parity-lines.js';

/** Sound to log-mel picture, with a transform in float64. */
const MEL_TOLERANCE = 1e-5;
/** Log-mel picture to any tensor of the encoder. */
const ENCODER_TOLERANCE = 2e-5;
/** Sound to features. */
const WHOLE_TOLERANCE = 1e-4;
/** Samples of a hop. */
const HOP = 160;

/**
 * Runs every case of `cases.safetensors`: a name before ".audio" makes a case.
 *
 * @throws BagpiperError where a file or a tensor is missing or of another shape
 */
export async function checkEncoder(folder: string, threads?: number, device?: Device): Promise<ParityLine[]> {
  const path = `${folder}/cases.safetensors`;
  const file = openSafetensors(path);
  const names = [...file.tensors.keys()].filter((name) => name.endsWith('.audio')).map((name) => name.slice(0, -6));
  if (names.length === 0) throw new BagpiperError(`${path} holds no case: a tensor named "case0.audio" is expected.`);
  const networks = EncoderNetworks.open(folder, threads, device);
  const lines: ParityLine[] = [];
  for (const name of names.sort()) {
    const report = new ParityReport(`${name}.`, isRequired(name));
    await readingCase(path, name, () => checkCase(report, new EncoderCase(file, name), networks));
    lines.push(...report.lines);
  }
  await networks.release();
  return lines;
}

/** The tensors of one case. */
class EncoderCase {
  constructor(
    private readonly file: Safetensors,
    private readonly name: string,
  ) {}

  has(name: string): boolean {
    return this.file.tensors.has(`${this.name}.${name}`);
  }

  values(name: string, shape?: readonly number[]): Float32Array {
    return toFloat32(referenceTensor(this.file, `${this.name}.${name}`, shape));
  }

  /** Samples; 16-bit ones count in 1/32768. */
  audio(): Float32Array {
    const tensor = referenceTensor(this.file, `${this.name}.audio`);
    const samples = toFloat32(tensor);
    return tensor.dtype === 'I16' ? samples.map((x) => x / 32768) : samples;
  }
}

type Encoded = Record<'embed' | 'layer0' | 'features' | 'adapted', Float32Array>;

async function checkCase(report: ParityReport, entry: EncoderCase, networks: EncoderNetworks): Promise<void> {
  const { audio, hidden } = networks;
  const { num_mel_bins: bands, output_dim: outputs, d_model: width } = audio;
  const samples = entry.audio();
  const mel = logMel(samples, { recipe: 'serving', bands });
  const plan = planEncoding(mel.frames, audio);
  const { tokens } = plan;
  const padded = Math.ceil(Math.min(samples.length, 30 * 16000) / HOP) * HOP;
  report.exact('lengths', [samples.length, padded, mel.frames, tokens], entry.values('lengths', [4]));
  report.exact('cu_seqlens', plan.edges, entry.values('cu_seqlens'));
  const expected = entry.values('mel', [bands, mel.frames]);
  report.numbers('mel', mel.data, expected, MEL_TOLERANCE);

  const encoded = await networks.encode(expected, mel.frames);
  const check = (name: keyof Encoded, size: number) =>
    report.numbers(name, encoded[name], entry.values(name, [tokens, size]), ENCODER_TOLERANCE);
  // These two are aids for finding mistakes; a folder may leave them out.
  if (entry.has('embed')) check('embed', width);
  if (entry.has('layer0')) check('layer0', width);
  check('features', outputs);
  check('adapted', hidden);
  const heard = await networks.encode(mel.data, mel.frames);
  report.numbers('features (from audio)', heard.features, entry.values('features'), WHOLE_TOLERANCE);
  if (entry.has('norm_mel')) await checkTraining(report, entry, samples, networks);
}

/** The same clip through the training recipe. */
async function checkTraining(
  report: ParityReport,
  entry: EncoderCase,
  samples: Float32Array,
  networks: EncoderNetworks,
): Promise<void> {
  const { num_mel_bins: bands, output_dim: outputs } = networks.audio;
  const mel = logMel(samples, { recipe: 'training', bands });
  const { tokens } = planEncoding(mel.frames, networks.audio);
  report.exact('norm_lengths', [samples.length, mel.frames, tokens], entry.values('norm_lengths', [3]));
  const expected = entry.values('norm_mel', [bands, mel.frames]);
  report.numbers('norm_mel', mel.data, expected, MEL_TOLERANCE);
  const features = entry.values('norm_features', [tokens, outputs]);
  const encoded = await networks.encode(expected, mel.frames);
  report.numbers('norm_features', encoded.features, features, ENCODER_TOLERANCE);
  const heard = await networks.encode(mel.data, mel.frames);
  report.numbers('norm_features (from audio)', heard.features, features, WHOLE_TOLERANCE);
}

/** The encoder and the adaptor, compiled for each chunk width that comes up. */
class EncoderNetworks {
  private readonly sessions = new Map<number, Session>();

  private constructor(
    private readonly config: BagpiperConfig,
    readonly audio: AudioConfig,
    private readonly options: SessionOptions,
  ) {}

  static open(folder: string, threads?: number, device?: Device): EncoderNetworks {
    const weights = openModelFolder(folder);
    const config = parseConfig(weights.config, weights.configFile);
    const audio = config.audio_config;
    if (!audio) throw new BagpiperError(`${weights.configFile} has no audio_config: the encoder's sizes are missing.`);
    const expected = encoderTensors(audio)
      .set('adaptor.continuous_audio.weight', [config.hidden_size, config.adaptor_input_dim])
      .set('adaptor.continuous_audio.bias', [config.hidden_size]);
    weights.requireTensors(expected, { ignore: () => true });
    const parameters = (name: string) => ({ data: toFloat32(weights.tensor(name)) });
    return new EncoderNetworks(config, audio, { threads, device, parameters });
  }

  /** Width of the adaptor's vectors. */
  get hidden(): number {
    return this.config.hidden_size;
  }

  /** A log-mel picture [mel, frames] to every tensor that the reference data holds, each [tokens, ...]. */
  async encode(mel: Float32Array, frames: number): Promise<Encoded> {
    const plan = planEncoding(frames, this.audio);
    const session = await this.session(plan.frames);
    const out = await session.run({
      chunks: {
        data: layChunks(mel, frames, plan, this.audio),
        dims: [plan.chunks, 1, this.audio.num_mel_bins, plan.frames],
      },
      keep: { data: plan.keep, dims: [plan.tokens] },
      mask: { data: plan.mask, dims: [1, 1, plan.tokens, plan.tokens] },
    });
    return Object.fromEntries(Object.entries(out).map(([name, { data }]) => [name, data])) as unknown as Encoded;
  }

  async release(): Promise<void> {
    for (const session of this.sessions.values()) await session.release();
  }

  private async session(frames: number): Promise<Session> {
    let session = this.sessions.get(frames);
    if (!session) {
      const graph = new Graph();
      const { features } = encoderGraph(graph, this.audio, frames);
      graph.output('adapted', adaptor(features, this.config));
      session = await Session.create(graph, this.options);
      this.sessions.set(frames, session);
    }
    return session;
  }
}
