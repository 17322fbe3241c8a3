/**
 * source/: from what a user names (folders, patterns, tables, buckets) to clips with stable ids and known lengths; and from clips
 * to samples.
 */
export { isRemote, Places } from './bytes.js';
export { writeClips } from './clips.js';
export { openDuckDB, withDuckDB } from './duckdb.js';
export { type Found, fileId, idOf, partId } from './found.js';
export { type HeldClip, Listener } from './listen.js';
export { type Source, soundsOf, sourcesOf } from './sources.js';
export { type FileSettings, FileStage, type Heard } from './stage.js';
export { isTable, rowsOf } from './tables.js';
