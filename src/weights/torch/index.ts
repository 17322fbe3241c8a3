/**
 * Files that `torch.save` wrote, read without Python: the zip directory, the pickle by an allow-list, and the numbers of
 * single tensors by their offset. Nothing in such a file is ever executed or unpacked.
 */
export { openTorch, readTorch } from './file.js';
