/** Part "codec": how far the small codec is from the original, beside Opus. */
import { openModel } from '../../model/bagpiper.js';
import { openCodec } from '../../model/codec/open.js';
import type { Codec } from '../../model/index.js';
import { melCepstralDistortion, spectralDistance } from '../metrics/distance.js';
import { type Context, resultsOf, samplesOf, type TestClip } from './context.js';
import { opusRoundTrip } from './opus.js';
import { average, below, missing, type Row } from './report.js';
import { fill } from './results.js';

const PART = 'codec';
const OPUS_RATES = [6000, 12000] as const;
/** What the small codec is to be better than (issue "The small world, mastered"). */
const RIVAL = 'Opus 12';

/** Distances of one coded clip from its original. */
export interface CodedDistance {
  bitsPerSecond: number;
  convergence: number;
  logMagnitude: number;
  /** null where the clip is silent */
  distortion: number | null;
}

/** Codes and decodes; as many samples as were given. */
export async function codecRoundTrip(codec: Codec, samples: Float32Array): Promise<Float32Array> {
  return (await codec.decode(await codec.encode(samples))).slice(0, samples.length);
}

function distanceOf(original: Float32Array, coded: Float32Array, bitsPerSecond: number): CodedDistance {
  const distortion = melCepstralDistortion(original, coded);
  return {
    bitsPerSecond,
    ...spectralDistance(original, coded),
    distortion: Number.isFinite(distortion) ? distortion : null,
  };
}

/** Distances by the codec's name. */
type Distances = Record<string, CodedDistance>;

export async function codeClips(context: Context, clips: readonly TestClip[]): Promise<Row[]> {
  const { source, threads } = context.bagpiper.info;
  const codec = context.bagpiper.info.codec && openCodec(openModel(source), threads);
  if (!codec) return [missing(PART, 'round trip', 'the model has no codec', below(0), '')];
  const bits = (16000 / codec.hop) * codec.codebooks * Math.log2(codec.codebookSize);
  const distances = await fill(
    resultsOf<Distances>(context, PART),
    clips,
    ({ scene }) => scene.id,
    async (clip) => {
      const original = await samplesOf(clip);
      const out: Distances = { nano: distanceOf(original, await codecRoundTrip(codec, original), bits) };
      for (const rate of OPUS_RATES) {
        const opus = await opusRoundTrip(original, rate);
        out[`Opus ${rate / 1000}`] = distanceOf(original, opus.samples, opus.bitsPerSecond);
      }
      return out;
    },
    { tell: context.progress(PART) },
  );
  await codec.release();
  return codecRows(distances);
}

/**
 * The whole multi-resolution STFT distance as Yamamoto, Song and Kim (2020) add it up: spectral convergence and the mean
 * absolute difference of natural log magnitudes.
 */
export function stftDistance({ convergence, logMagnitude }: CodedDistance): number {
  return convergence + (logMagnitude * Math.LN10) / 20;
}

export function codecRows(distances: readonly Distances[]): Row[] {
  const names = Object.keys(distances[0] ?? {});
  const rows = names.flatMap((name) => {
    const of = distances.map((d) => d[name]);
    const label = name === 'nano' ? 'nano codec' : `${name} kb/s`;
    const row = (measure: string, value: (d: CodedDistance) => number, unit: '' | 'dB', note?: string): Row =>
      average(PART, `${label}: ${measure}`, of.map(value), unit, 'clips', note ? { note } : {});
    const rate = of.reduce((sum, d) => sum + d.bitsPerSecond, 0) / of.length / 1000;
    return [
      row('STFT distance (the two below)', stftDistance, '', `${rate.toFixed(2)} kb/s`),
      row('STFT, spectral convergence', (d) => d.convergence, ''),
      row('STFT, log magnitude', (d) => d.logMagnitude, 'dB'),
      row('mel-cepstral distortion', (d) => d.distortion ?? Number.NaN, 'dB'),
    ];
  });
  const against = average(
    PART,
    `STFT distance, nano codec minus ${RIVAL} kb/s`,
    distances.map((d) => stftDistance(d.nano) - stftDistance(d[RIVAL])),
    '',
    'clips',
    { target: below(0), note: 'pairs of the same clip; below 0 the small codec is nearer to the original' },
  );
  return [...rows, against];
}
