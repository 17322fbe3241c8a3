/** A tensor that stays on the device between runs. */
import type { Tensor, TensorConstructor } from 'onnxruntime-node';

/**
 * Numbers in the memory of a graphics processor (WebGPU; ONNX Runtime gives none of CUDA's to JavaScript). They cannot be
 * read from here: asking onnxruntime-node 1.30 for a tensor's data there ends the process. A graph must give them out.
 * Where the device is this processor, they lie in a typed array.
 */
export class DeviceValue {
  constructor(readonly tensor: Tensor) {}

  get dims(): readonly number[] {
    return this.tensor.dims;
  }

  /** The same memory, or the beginning of it, in another shape. Lives as long as this value does. */
  view(dims: readonly number[]): DeviceValue {
    const size = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
    const count = size(dims);
    if (count > size(this.dims)) throw new Error(`[${dims.join(', ')}] is more than [${this.dims.join(', ')}]`);
    const { tensor } = this;
    const Made = tensor.constructor as TensorConstructor;
    if (tensor.location === 'cpu')
      return new DeviceValue(new Made((tensor.data as Float32Array).subarray(0, count), dims));
    return new DeviceValue(Made.fromGpuBuffer(tensor.gpuBuffer, { dataType: tensor.type as 'float32', dims }));
  }

  /** Gives the memory back. */
  dispose(): void {
    this.tensor.dispose();
  }
}
