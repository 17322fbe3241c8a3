/** What a conversion is told, tells and gives. */
import type { TensorGroup } from '../model/conversion.js';
import type { StorageChoice } from '../model/storage.js';

export type ConvertEvent =
  /** what will be done; `dropped`: tensors that are left out */
  | { type: 'planned'; groups: TensorGroup[]; dropped: string[] }
  /** bytes of the checkpoint; `kept`: an earlier, stopped run had done this tensor */
  | { type: 'progress'; tensor: string; done: number; total: number; kept: boolean };

export interface ConvertModelOptions extends Partial<StorageChoice> {
  /** config.json; default: the one beside the weights, else the published sizes */
  config?: string;
  /** folder with tokenizer.json; default: that of the weights; false: the result gets none */
  tokenizer?: string | false;
  signal?: AbortSignal;
  onEvent?: (event: ConvertEvent) => void;
}

export interface ConvertedModel extends StorageChoice {
  folder: string;
  /** of the weights */
  bytes: number;
  /** tensors that an earlier, stopped run had finished */
  kept: number;
  groups: TensorGroup[];
  dropped: string[];
}
