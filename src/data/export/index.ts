/**
 * export/: a run as others train on it: ESPnet's recipe (espnet.ts, with its configurations in recipe.ts and a check in
 * check.ts), Parquet with sound for the Hugging Face hub, and OpenAI's chat form. docs/data-export.md explains them.
 */
export { type ChatOptions, type ChatReport, exportChat } from './chat.js';
export { checkExport, type ExportCheck } from './check.js';
export { type EspnetOptions, type EspnetReport, exportEspnet } from './espnet.js';
export { DialogueImport, dialogueRows, type ImportedDialogue } from './import.js';
export { answeredRows, conversationRows, heardRows, textRows } from './lengths.js';
export { exportParquet, type ParquetOptions, type ParquetReport } from './parquet.js';
export type { ExportOptions, ExportProgress } from './progress.js';
export { ATTENTIONS, type Attention } from './recipe.js';
export type { SetKind, SetReport } from './sets.js';
