/** The `codec_config` block of the small model's codec: sizes, and from them every tensor's shape. */
import { BagpiperError } from '../../errors.js';
import { FieldReader } from '../config-reader.js';

/** What a model folder puts before the codec's tensor names. */
export const CODEC_PREFIX = 'multimodal_io_dict.discrete_audio.codec_model.';

/** Samples a second. */
export const RATE = 16000;
/** Samples between two spectra: four spectra make a frame. */
export const SUB_HOP = 160;
/** Spectra of one frame. */
export const SUB_FRAMES = 4;
/** Samples of one frame: 25 frames a second. */
export const HOP = SUB_HOP * SUB_FRAMES;
/** Samples of the window of a spectrum, of encoder and decoder alike. */
export const WINDOW = 640;
/** Frequencies of a spectrum: 25 Hz apart. */
export const BINS = WINDOW / 2 + 1;
/** Kernel widths of the blocks at frame rate and at spectrum rate. */
export const KERNEL = 3;
export const FINE_KERNEL = 5;
/** Spectra that the overlap-add needs beyond the first and the last frame. */
export const OVERLAP = 2;

export interface NanoCodecConfig {
  type: 'nano-codec';
  /** mel bands of a spectrum */
  mel_bands: number;
  /** numbers a frame is projected to before it is quantized */
  dims: number;
  codebooks: number;
  codebook_size: number;
  /** channels and blocks of the decoder at 25 frames a second */
  width: number;
  blocks: number;
  /** channels and blocks of the decoder at 100 spectra a second */
  fine_width: number;
  fine_blocks: number;
}

/** The shipped codec: 8 x 256 codes at 25 frames a second, 1.6 kb/s. */
export const NANO_CODEC: Readonly<NanoCodecConfig> = {
  type: 'nano-codec',
  mel_bands: 80,
  dims: 80,
  codebooks: 8,
  codebook_size: 256,
  width: 256,
  blocks: 5,
  fine_width: 192,
  fine_blocks: 3,
};

/**
 * Checks a `codec_config` block; absent fields take the shipped values.
 *
 * @throws BagpiperError naming `where` and the field.
 */
export function parseNanoCodecConfig(json: unknown, where: string): NanoCodecConfig {
  const read = new FieldReader(json, where);
  const preset = NANO_CODEC;
  const config: NanoCodecConfig = {
    type: read.choice('type', ['nano-codec']),
    mel_bands: read.count('mel_bands', preset.mel_bands, 8, 128),
    dims: read.count('dims', preset.dims, 1, SUB_FRAMES * 128),
    codebooks: read.count('codebooks', preset.codebooks, 1, 32),
    codebook_size: read.count('codebook_size', preset.codebook_size, 2, 65536),
    width: read.count('width', preset.width, 1, 4096),
    blocks: read.count('blocks', preset.blocks, 0, 100),
    fine_width: read.count('fine_width', preset.fine_width, 1, 4096),
    fine_blocks: read.count('fine_blocks', preset.fine_blocks, 0, 100),
  };
  if (config.dims > SUB_FRAMES * config.mel_bands) {
    read.fail('dims', `is ${config.dims}, more than the ${SUB_FRAMES} x ${config.mel_bands} numbers of a frame`);
  }
  return config;
}

/** Frames on each side that a decoded frame depends on. */
export function codecContext({ blocks, fine_blocks }: NanoCodecConfig): number {
  return ((KERNEL - 1) / 2) * blocks + fineContext(fine_blocks);
}

/** Frames on each side that the part of the decoder at spectrum rate needs. */
export function fineContext(fineBlocks: number): number {
  return Math.ceil((((FINE_KERNEL - 1) / 2) * fineBlocks + OVERLAP) / SUB_FRAMES);
}

/** Every tensor of the codec with its shape, without {@link CODEC_PREFIX}. */
export function codecTensors(config: NanoCodecConfig): Map<string, readonly number[]> {
  return new Map([...codeTensors(config), ...decoderTensors(config)]);
}

/** The tensors that decide which codes a sound has: final once they are fitted. */
export function codeTensors({
  mel_bands,
  dims,
  codebooks,
  codebook_size,
}: NanoCodecConfig): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>([
    ['encoder.mean', [SUB_FRAMES * mel_bands]],
    ['encoder.projection', [dims, SUB_FRAMES * mel_bands]],
  ]);
  for (let i = 0; i < codebooks; i++) shapes.set(`quantizer.codebooks.${i}`, [codebook_size, dims]);
  return shapes;
}

/** The tensors that training by gradients changes. */
export function decoderTensors(config: NanoCodecConfig): Map<string, readonly number[]> {
  const { dims, width, blocks, fine_width, fine_blocks } = config;
  const shapes = new Map<string, readonly number[]>();
  const affine = (name: string, out: number, inputs: number): void => {
    shapes.set(`${name}.weight`, [out, inputs]);
    shapes.set(`${name}.bias`, [out]);
  };
  const block = (name: string, channels: number, kernel: number): void => {
    shapes.set(`${name}.norm.weight`, [channels]);
    affine(`${name}.conv`, channels, kernel * channels);
    affine(`${name}.out`, channels, channels);
  };
  affine('decoder.in', width, dims);
  for (let i = 0; i < blocks; i++) block(`decoder.blocks.${i}`, width, KERNEL);
  affine('decoder.expand', SUB_FRAMES * fine_width, width);
  for (let i = 0; i < fine_blocks; i++) block(`decoder.fine.${i}`, fine_width, FINE_KERNEL);
  shapes.set('decoder.norm.weight', [fine_width]);
  affine('decoder.head', 3 * BINS, fine_width);
  return shapes;
}

/** The numbers of a tensor, checked. @throws BagpiperError where it is missing or of another size. */
export function requireTensor(
  tensors: ReadonlyMap<string, Float32Array>,
  name: string,
  shape: readonly number[],
): Float32Array {
  const data = tensors.get(name);
  const size = shape.reduce((a, b) => a * b, 1);
  if (!data) throw new BagpiperError(`The codec's tensor "${name}" is missing; [${shape.join(', ')}] is expected.`);
  if (data.length !== size) {
    throw new BagpiperError(
      `The codec's tensor "${name}" has ${data.length} numbers; [${shape.join(', ')}] is expected.`,
    );
  }
  return data;
}
