/**
 * runtime/: where graphs run. `Session` compiles a graph with ONNX Runtime and runs it; everything above speaks of typed
 * arrays and shapes only.
 */
export { Session, type SessionOptions, type Value, type Values } from './session.js';
