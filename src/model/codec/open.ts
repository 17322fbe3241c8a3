/** The codec of a model folder, whichever its config names. */
import type { Device } from '../../runtime/index.js';
import type { Model } from '../bagpiper.js';
import { NanoCodec } from './nano.js';
import { CODEC_PREFIX, codecTensors } from './nano-config.js';
import type { Codec } from './types.js';
import { Xcodec } from './xcodec.js';

/** Null where the model has none. Networks are compiled when they are first needed. */
export function openCodec(model: Model, threads?: number, device?: Device): Codec | null {
  const { codec, folder } = model;
  if (!codec) return null;
  if (codec.type === 'xcodec') {
    const source = {
      has: (name: string) => folder.tensors.has(CODEC_PREFIX + name),
      tensor: (name: string) => model.tensor(CODEC_PREFIX + name),
    };
    return Xcodec.load(source, codec, { threads, device });
  }
  const names = [...codecTensors(codec).keys()];
  const tensors = new Map(names.map((name) => [name, model.tensor(CODEC_PREFIX + name)]));
  return NanoCodec.load(tensors, codec, { threads, device });
}
