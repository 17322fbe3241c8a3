/**
 * runtime/: where graphs run. `Session` compiles a graph with ONNX Runtime and runs it; everything above speaks of typed
 * arrays and shapes only.
 */
export {
  checkDevice,
  chooseDevice,
  DEVICES,
  type Device,
  type DeviceChoice,
  type DeviceReport,
  mayHaveGraphics,
  reportDevice,
} from './device.js';
export { DeviceValue } from './device-value.js';
export { type Prepared, preparedBytes, removeOutdated } from './prepared.js';
export { Session, type SessionOptions, type Value, type Values } from './session.js';
