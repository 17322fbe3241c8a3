/** Snake, the periodic activation of audio decoders (Ziyin et al. 2020, as in BigVGAN and DAC). */
import { add, div, mul, sin, square, type Tensor } from '../graph/index.js';

const EPSILON = 1e-9;

/** x + sin(a x)^2 / (a + 1e-9) with a per channel: x [batch, channels, time], `${name}.alpha` [1, channels, 1]. */
export function snake(x: Tensor, name: string): Tensor {
  const alpha = x.graph.parameter(`${name}.alpha`, [1, x.size(1), 1]);
  return add(x, mul(square(sin(mul(x, alpha))), div(1, add(alpha, EPSILON))));
}
