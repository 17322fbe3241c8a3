import { BagpiperError } from '../errors.js';
import type { ByteSource } from './bytes.js';

/**
 * Lets the system's `ffmpeg` decode a source; gives its output, a 32-bit float WAV stream, as it comes.
 * Node only. MP4 needs seeking, so bytes without a path go through a temporary file.
 * @throws BagpiperError when ffmpeg is not installed or cannot read the source either
 */
export async function* ffmpegPieces(
  source: ByteSource,
  label: string,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const { spawn } = await import('node:child_process');
  const input = await asFile(source);
  const args = [
    '-nostdin',
    '-v',
    'error',
    '-i',
    `file:${input.path}`,
    '-vn',
    '-sn',
    '-dn',
    '-f',
    'wav',
    '-c:a',
    'pcm_f32le',
  ];
  const child = spawn('ffmpeg', [...args, '-bitexact', 'pipe:1'], { stdio: ['ignore', 'pipe', 'pipe'], signal });
  let complaint = '';
  child.stderr.on('data', (text: Buffer) => {
    if (complaint.length < 400) complaint += text.toString('utf8');
  });
  const ended = new Promise<NodeJS.ErrnoException | number>((resolve) => {
    child.on('error', resolve);
    child.on('close', (code) => resolve(code ?? 1));
  });
  try {
    let bytes = 0;
    for await (const piece of child.stdout as AsyncIterable<Uint8Array>) {
      bytes += piece.length;
      yield piece;
    }
    const result = await ended;
    signal?.throwIfAborted();
    if (typeof result === 'object') {
      const why = result.code === 'ENOENT' ? 'ffmpeg is not installed' : `ffmpeg does not start (${result.code})`;
      const todo = 'install ffmpeg or convert the file to WAV, FLAC, MP3 or Ogg';
      throw new BagpiperError(`${source.name}: ${label} needs ffmpeg, and ${why}; ${todo}.`);
    }
    if (result !== 0 && bytes < 100) {
      const said = complaint.split('\n')[0].slice(0, 200);
      throw new BagpiperError(`${source.name}: looks like ${label}, but ffmpeg cannot decode it (${said}).`);
    }
  } finally {
    child.kill();
    await input.remove();
  }
}

async function asFile(source: ByteSource): Promise<{ path: string; remove(): Promise<void> }> {
  if (source.path !== undefined) return { path: source.path, remove: async () => {} };
  const [{ mkdtemp, rm, writeFile }, { tmpdir }, { join }] = await Promise.all([
    import('node:fs/promises'),
    import('node:os'),
    import('node:path'),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'bagpiper-'));
  const path = join(folder, 'sound');
  await writeFile(path, source.pieces(1 << 20));
  return { path, remove: () => rm(folder, { recursive: true, force: true }) };
}
