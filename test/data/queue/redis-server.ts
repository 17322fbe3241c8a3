/** A redis-server of the test's own: a free port, nothing on the disk. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Whether one is installed; where not, the tests of the queue are left out. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

export class RedisServer {
  private process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly options: readonly string[],
  ) {}

  get address(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  static async start(...options: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), mkdtempSync(join(tmpdir(), 'bagpiper-redis-')), options);
    await server.up();
    return server;
  }

  async up(): Promise<void> {
    const { port, folder } = this;
    const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
    const child = spawn('redis-server', [...fixed, ...this.options], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.process = child;
    for await (const text of child.stdout) if (/Ready to accept connections/.test(String(text))) break;
    child.stdout.resume();
  }

  /** As when the machine loses power. */
  async down(): Promise<void> {
    const child = this.process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  async stop(): Promise<void> {
    await this.down();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
