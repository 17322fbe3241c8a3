/**
 * AdamW (Loshchilov and Hutter 2019) on typed arrays: decoupled weight decay on matrices only, bias-corrected moments,
 * gradients clipped to a global norm.
 */
import { adamW } from './adamw-kernel.js';

export interface AdamWOptions {
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  /** applied to tensors that `decays` accepts */
  weightDecay?: number;
  decays?: (name: string) => boolean;
}

export interface StepResult {
  /** norm of all gradients before clipping */
  norm: number;
  /** false when a gradient was not finite: then nothing was changed */
  applied: boolean;
}

/** Everything the optimizer remembers, as named tensors, for a checkpoint. */
export interface OptimizerState {
  step: number;
  first: Map<string, Float32Array>;
  second: Map<string, Float32Array>;
}

export class AdamW {
  private step_ = 0;
  private readonly first = new Map<string, Float32Array>();
  private readonly second = new Map<string, Float32Array>();
  private readonly options: Required<AdamWOptions>;

  /** @param parameters the tensors to train, changed in place by {@link step} */
  constructor(
    private readonly parameters: ReadonlyMap<string, Float32Array>,
    options: AdamWOptions = {},
  ) {
    this.options = {
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      weightDecay: 0,
      decays: (name) => !/norm|bias|embed/.test(name),
      ...options,
    };
    for (const [name, values] of parameters) {
      this.first.set(name, new Float32Array(values.length));
      this.second.set(name, new Float32Array(values.length));
    }
  }

  /** One update of every parameter that has a gradient. `clip` bounds the global norm (0: no bound). */
  step(grads: ReadonlyMap<string, Float32Array>, rate: number, clip = 1): StepResult {
    const norm = globalNorm(grads.values());
    if (!Number.isFinite(norm)) return { norm, applied: false };
    this.step_++;
    const scale = clip > 0 && norm > clip ? clip / norm : 1;
    for (const [name, grad] of grads) this.update(name, grad, rate, scale);
    return { norm, applied: true };
  }

  private update(name: string, grad: Float32Array, rate: number, scale: number): void {
    const { beta1, beta2, epsilon, weightDecay, decays } = this.options;
    const w = this.parameters.get(name);
    const m = this.first.get(name);
    const v = this.second.get(name);
    if (!w || !m || !v || grad.length !== w.length) throw new Error(`gradient "${name}" fits no parameter`);
    const correct1 = 1 - beta1 ** this.step_;
    const correct2 = Math.sqrt(1 - beta2 ** this.step_);
    const keep = 1 - rate * (decays(name) ? weightDecay : 0);
    // (rate m / correct1) / (sqrt(v) / correct2 + epsilon), with one division less
    const step = (rate * correct2) / correct1;
    adamW(w, m, v, grad, { beta1, beta2, scale, keep, rate: step, epsilon: epsilon * correct2 });
  }

  state(): OptimizerState {
    return { step: this.step_, first: this.first, second: this.second };
  }

  /** Continues from a saved state; tensors that it lacks start at zero. */
  restore(state: OptimizerState): void {
    this.step_ = state.step;
    for (const [name, values] of this.first) values.set(state.first.get(name) ?? new Float32Array(values.length));
    for (const [name, values] of this.second) values.set(state.second.get(name) ?? new Float32Array(values.length));
  }
}

function globalNorm(arrays: Iterable<Float32Array>): number {
  let total = 0;
  for (const array of arrays) {
    // four sums at once, so that no addition waits for the one before it
    const even = array.length - (array.length % 4);
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = 0; i < even; i += 4) {
      a += array[i] * array[i];
      b += array[i + 1] * array[i + 1];
      c += array[i + 2] * array[i + 2];
      d += array[i + 3] * array[i + 3];
    }
    for (let i = even; i < array.length; i++) a += array[i] * array[i];
    total += a + b + c + d;
  }
  return Math.sqrt(total);
}
