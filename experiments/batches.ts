/** Samples in batches: an endless stream for training, and a fixed set for a held-out loss. */
import { packGrids, type TrainingSizes } from '../src/model/index.js';
import { Random } from '../src/random.js';
import { type Batch, Epochs, layBatch } from '../src/train/index.js';
import type { Example, Sample } from '../src/train/nano/samples.js';
import type { Mixture } from './plan.js';
import { type SampleKind, type Speech, trainingSample } from './samples.js';

/** Scenes that are worded and packed together: the first batch of a short run should not wait for the whole corpus. */
const CHUNK = 512;
/** Rows of a batch that are filled at once. */
const OPEN = 16;

/** Lays samples out; what a row's share of the room for features has no place for is left out. */
export function layRows(rows: readonly (readonly Sample[])[], sizes: TrainingSizes, speech: Speech): Batch {
  const { config } = speech;
  const packed = rows.map((samples) => {
    let room = Math.floor(sizes.features / sizes.batch) * config.adaptor_input_dim;
    const picked = samples.filter(({ features }) => {
      const needed = features.reduce((n, { length }) => n + length, 0);
      if (needed > room) return false;
      room -= needed;
      return true;
    });
    const pack = packGrids(
      picked.map(({ grid }) => grid),
      sizes.rows,
    );
    return { pack, features: picked.flatMap(({ features }) => features) };
  });
  return layBatch(packed, sizes, config);
}

/**
 * Batches of a stage. The scenes come in shuffled chunks, each newly worded in every pass, so a batch is a function of seed
 * and step alone.
 */
export class Lessons {
  private rows: Epochs | undefined;
  private samples: Sample[] = [];
  private first = 0;
  private steps = 0;
  private chunk = -1;
  private order: readonly number[] = [];

  constructor(
    private readonly examples: readonly Example[],
    private readonly mixture: Mixture,
    private readonly sizes: TrainingSizes,
    private readonly speech: Speech,
    private readonly seed: string,
  ) {}

  /** The batch of a step, and the number of samples in it; steps must be asked for in rising order. */
  at(step: number): Batch & { samples: number } {
    while (!this.rows || step >= this.first + this.steps) this.nextChunk();
    const bins = this.rows.at(step - this.first).map((bin) => bin.map((i) => this.samples[i]));
    const samples = bins.reduce((sum, bin) => sum + bin.length, 0);
    return { ...layRows(bins, this.sizes, this.speech), samples };
  }

  private nextChunk(): void {
    this.first += this.steps;
    this.chunk++;
    const perPass = Math.ceil(this.examples.length / CHUNK);
    const [pass, part] = [Math.floor(this.chunk / perPass), this.chunk % perPass];
    if (part === 0) this.order = new Random(`${this.seed}/order/${pass}`).shuffle([...this.examples.keys()]);
    const seed = `${this.seed}/${pass}`;
    this.samples = this.order
      .slice(part * CHUNK, (part + 1) * CHUNK)
      .flatMap((i) => this.drawn(`${seed}/${i}`).map((kind) => [i, kind] as const))
      .map(([i, kind]) => trainingSample(kind, this.examples[i], this.speech, `${seed}/${i}/${kind}`));
    const lengths = this.samples.map(({ grid }) => grid.length);
    const { rows, batch } = this.sizes;
    this.rows = new Epochs(`${seed}/${part}`, lengths, rows, batch, OPEN);
    this.steps = 0;
    while (this.rows.epochOf(this.steps) === 0) this.steps++;
  }

  /** The kinds of samples made of a scene in a pass; shares are probabilities. */
  private drawn(seed: string): SampleKind[] {
    const random = new Random(`${seed}/kinds`);
    return (Object.entries(this.mixture) as [SampleKind, number][]).flatMap(([kind, share]) =>
      random.chance(share) ? [kind] : [],
    );
  }
}

/** At most so many batches of samples in a fixed order, laid out when they are asked for. */
export function* fixedBatches(samples: readonly Sample[], sizes: TrainingSizes, speech: Speech, most: number) {
  const lengths = samples.map(({ grid }) => grid.length);
  const bins = new Epochs('held', lengths, sizes.rows, sizes.batch, OPEN);
  for (let step = 0; step < most && bins.epochOf(step) === 0; step++) {
    const rows = bins.at(step).map((bin) => bin.map((i) => samples[i]));
    yield layRows(rows, sizes, speech);
  }
}
