/** Batches for timing a training step: random words and features in the layout of real samples. */
import { type BagpiperConfig, buildRows, type Message, packGrids, type TrainingSizes } from '../src/model/index.js';
import type { Random } from '../src/random.js';
import { type Batch, layBatch, type PackedRow } from '../src/train/batch.js';

/** Shortest and longest sound that a sample hears, in encoder features (12.5 a second), and its caption in text tokens. */
const HEARD = [50, 125] as const;
const CAPTION = [80, 180] as const;

/** One batch of packed captioning samples: each pack is filled as far as whole samples fit. */
export function randomBatch(sizes: TrainingSizes, config: BagpiperConfig, random: Random): Batch {
  const share = Math.floor(sizes.features / sizes.batch);
  const rows = Array.from({ length: sizes.batch }, () => randomRow(sizes.rows, share, config, random));
  return layBatch(rows, sizes, config);
}

function randomRow(length: number, room: number, config: BagpiperConfig, random: Random): PackedRow {
  const grids = [];
  const features: Float32Array[] = [];
  const textIds = config.text_token_end - config.text_token_offset;
  let used = 0;
  let heard = 0;
  for (;;) {
    const frames = Math.min(HEARD[0] + random.int(HEARD[1] - HEARD[0] + 1), length >> 2);
    const words = Math.min(CAPTION[0] + random.int(CAPTION[1] - CAPTION[0] + 1), length >> 2);
    const messages: Message[] = [
      { role: 'user', modality: 'audio', frames },
      { role: 'assistant', modality: 'text', textIds: Int32Array.from({ length: words }, () => random.int(textIds)) },
    ];
    const grid = buildRows(messages, config, { mode: 'train' });
    if (used + grid.length > length || heard + frames > room) break;
    used += grid.length;
    heard += frames;
    grids.push(grid);
    const size = frames * config.adaptor_input_dim;
    features.push(Float32Array.from({ length: size }, () => random.normal()));
  }
  return { pack: packGrids(grids, length), features };
}
