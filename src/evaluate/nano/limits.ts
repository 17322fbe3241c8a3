/** Part "limits": whether the model tells sounds of its own world from recordings of the world outside. */
import { join } from 'node:path';
import { loadMono16k } from '../../audio/index.js';
import { Hearing } from '../../engine/hear.js';
import { openModel } from '../../model/bagpiper.js';
import { judge, type Novelty, noveltyScore } from '../../model/index.js';
import { Random } from '../../random.js';
import { auroc, bootstrapAuroc } from '../metrics/statistics.js';
import { KINDS } from './captions.js';
import { type Context, samplesOf, type TestClip } from './context.js';
import { type RealClip, readLabels } from './real.js';
import { atLeast, missing, type Row, share } from './report.js';

const PART = 'limits';
const MEASURE = 'own world and foreign recordings told apart (AUROC)';
const TARGET = atLeast(0.9);

/** Hears clips and recordings without describing them. @param folder of labelled recordings */
export async function limitRows(context: Context, clips: readonly TestClip[], folder: string): Promise<Row[]> {
  const { source, threads } = context.bagpiper.info;
  const model = openModel(source);
  const { world } = model;
  if (!world) return [missing(PART, MEASURE, 'the model folder has no world.safetensors', TARGET, '')];
  const parameters = (name: string) => ({ data: model.tensor(name) });
  const hearing = new Hearing(model.config, { threads, parameters, blocks: model.blocks }, true);
  const recordings = readLabels(folder);
  const tell = context.progress(PART);
  const total = clips.length + recordings.length;
  let done = 0;
  const hear = async (samples: Float32Array): Promise<Novelty> => {
    const { features } = await hearing.features(samples.subarray(0, model.config.max_input_seconds * 16000));
    tell(++done, total);
    return judge(noveltyScore(world, features!), world.threshold);
  };
  try {
    const own: Novelty[] = [];
    for (const clip of clips) own.push(await hear(await samplesOf(clip)));
    const foreign: Novelty[] = [];
    for (const { file } of recordings) foreign.push(await hear((await loadMono16k(join(folder, file))).samples));
    return noveltyRows(own, recordings, foreign);
  } finally {
    await hearing.release();
  }
}

/** @param own of clips of the corpus @param foreign of the recordings, in their order */
export function noveltyRows(
  own: readonly Novelty[],
  recordings: readonly Pick<RealClip, 'domain'>[],
  foreign: readonly Novelty[],
): Row[] {
  const scores = (list: readonly Novelty[]): number[] => list.map(({ score }) => score);
  const value = auroc(scores(foreign), scores(own));
  const kinds = KINDS.map((kind) => {
    const some = foreign.filter((_, i) => recordings[i].domain === kind);
    return `${kind} ${auroc(scores(some), scores(own)).toFixed(3)}`;
  });
  const warned = (list: readonly Novelty[]): boolean[] => list.map((novelty) => novelty.foreign);
  return [
    Number.isNaN(value)
      ? missing(PART, MEASURE, 'there are no clips or no recordings', TARGET, '')
      : {
          part: PART,
          measure: MEASURE,
          value,
          unit: '',
          interval: bootstrapAuroc(scores(foreign), scores(own), new Random(PART)),
          of: `${own.length} clips, ${foreign.length} recordings`,
          target: TARGET,
          note: kinds.join(', '),
        },
    share(PART, 'foreign recordings warned of', warned(foreign), 'recordings'),
    share(PART, 'clips of the own world warned of', warned(own), 'clips', { note: '5 % of the split valid by choice' }),
  ];
}
