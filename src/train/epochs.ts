/**
 * Which samples go into which step. Every epoch is a new seeded shuffle; samples are put together as they come while
 * their sizes fit a capacity. The answer depends on seed and step alone, so a resumed run sees what the whole run saw.
 */
import { Random } from '../random.js';

export class Epochs {
  /** bins of each epoch so far, made when first asked for */
  private readonly epochs: number[][][] = [];
  private readonly firstStep: number[] = [0];

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

  /** Epoch that a step belongs to. */
  epochOf(step: number): number {
    let epoch = 0;
    while (step >= this.end(epoch)) epoch++;
    return epoch;
  }

  /** Sample indices for each bin of a step. */
  at(step: number): number[][] {
    const epoch = this.epochOf(step);
    const within = step - this.firstStep[epoch];
    return this.epochs[epoch].slice(within * this.bins, (within + 1) * this.bins);
  }

  /** First step of the next epoch. */
  private end(epoch: number): number {
    for (let e = this.epochs.length; e <= epoch; e++) {
      const bins = this.fill(new Random(`${this.seed}/epoch/${e}`));
      this.epochs.push(bins);
      this.firstStep.push(this.firstStep[e] + Math.max(1, Math.floor(bins.length / this.bins)));
    }
    return this.firstStep[epoch + 1];
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
    const shuffled = random.shuffle(done);
    // A last step that lacks bins is filled up with the first ones again.
    while (shuffled.length < this.bins) shuffled.push(shuffled[shuffled.length % done.length]);
    return shuffled;
  }
}
