/**
 * Which samples go into which step. Every epoch is a new seeded shuffle that uses every sample exactly once; samples are
 * put together as they come while their sizes fit a capacity. Epochs follow each other without a gap: where the last bins
 * of one do not fill a step, the first of the next go with them. The answer depends on seed and step alone, so a resumed
 * run sees what the whole run saw.
 */
import { Random } from '../random.js';

export class Epochs {
  /** the bins of all epochs so far, one after the other, made when first asked for */
  private readonly filled: number[][] = [];
  /** number of bins up to the end of each epoch so far */
  private readonly ends: number[] = [];

  /**
   * @param sizes size of each sample; those above `capacity` are never used
   * @param bins bins (rows of a batch) that make a step
   * @param open bins that stay open while filling: more packs tighter, 1 keeps the shuffled order
   */
  constructor(
    private readonly seed: string,
    private readonly sizes: readonly number[],
    private readonly capacity: number,
    private readonly bins = 1,
    private readonly open = 1,
  ) {
    if (!sizes.some((size) => size <= capacity)) throw new Error(`no sample fits ${capacity}`);
  }

  /** Epoch that a step begins in. */
  epochOf(step: number): number {
    this.fillTo(step * this.bins + 1);
    return this.ends.findIndex((end) => step * this.bins < end);
  }

  /** Sample indices for each bin of a step. */
  at(step: number): number[][] {
    this.fillTo((step + 1) * this.bins);
    return this.filled.slice(step * this.bins, (step + 1) * this.bins);
  }

  private fillTo(count: number): void {
    while (this.filled.length < count) {
      for (const bin of this.fill(new Random(`${this.seed}/epoch/${this.ends.length}`))) this.filled.push(bin);
      this.ends.push(this.filled.length);
    }
  }

  private fill(random: Random): number[][] {
    const done: number[][] = [];
    const filling: { items: number[]; room: number }[] = [];
    for (const i of random.shuffle(this.sizes.map((_, k) => k))) {
      if (this.sizes[i] > this.capacity) continue;
      let bin = filling.find((b) => b.room >= this.sizes[i]);
      if (!bin) {
        if (filling.length >= this.open) done.push(filling.shift()!.items);
        bin = { items: [], room: this.capacity };
        filling.push(bin);
      }
      bin.items.push(i);
      bin.room -= this.sizes[i];
    }
    done.push(...filling.map((b) => b.items));
    return random.shuffle(done);
  }
}
