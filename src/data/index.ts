/**
 * data/: from a folder of sound to data that trains Bagpiper. A run is a folder: clips by reference, one append-only JSONL
 * file a stage (run/), a manifest. Stages label (label/), filter (filter/), simulate dialogues and judge them (simulate/),
 * and export (export/). They run in this process or on workers behind Redis (queue/). docs/data.md explains it.
 */

export {
  type ChatOptions,
  type ChatReport,
  checkExport,
  type EspnetOptions,
  type EspnetReport,
  type ExportCheck,
  type ExportOptions,
  exportChat,
  exportEspnet,
  exportParquet,
  type ParquetOptions,
  type ParquetReport,
} from './export/index.js';
export {
  askChecked,
  askJson,
  type ChatClient,
  type ChatExtras,
  type ChatMessage,
  type ChatPart,
  type ChatReply,
  type ChatRequest,
  type ChatSettings,
  type ChatState,
  type OpenAiChat,
  openChat,
  type Prices,
} from './llm/index.js';
export {
  type AudioReference,
  type Clip,
  type Dialogue,
  type Json,
  type JsonObject,
  type Keyed,
  type Label,
  type Line,
  type Message,
  type Reason,
  RecordError,
  SetAside,
  type SoundKind,
  type Stage,
  type StageContext,
  type StageSpec,
  type Usage,
} from './types.js';
