// Makes a checkout ready to use: installs packages when they are missing or the lock file changed, and compiles
// src/ to dist/ when a source is newer than the last build. Runs before `npm start`, `npm test` and the other scripts.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  console.error(
    `Node ${process.versions.node} is too old: Bagpiper needs Node 20 or newer. Install it from nodejs.org.`,
  );
  process.exit(1);
}

function run(command, args) {
  // onnxruntime-node's install script fetches a CUDA provider from a host of its own; the CPU library is in the package.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip', npm_config_loglevel: 'error' };
  const done = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env,
    shell: process.platform === 'win32',
  });
  if (done.status !== 0) {
    console.error(`"${command} ${args.join(' ')}" failed with exit code ${done.status}. See the lines above.`);
    process.exit(done.status ?? 1);
  }
}

function newest(folder) {
  let time = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    time = Math.max(time, entry.isDirectory() ? newest(path) : statSync(path).mtimeMs);
  }
  return time;
}

const stamp = join(root, 'node_modules', '.bagpiper-lock');
const lock = join(root, 'package-lock.json');
const buildOnly = process.argv.includes('--build-only');
if (!buildOnly && (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== readFileSync(lock, 'utf8'))) {
  console.error('Installing packages (once) ...');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund']);
  copyFileSync(lock, stamp);
}

const source = join(root, 'src');
const built = join(root, 'dist', '.built');
if (existsSync(source) && existsSync(join(root, 'node_modules', 'typescript'))) {
  const wanted = Math.max(newest(source), statSync(join(root, 'tsconfig.build.json')).mtimeMs);
  if (!existsSync(built) || statSync(built).mtimeMs < wanted) {
    console.error('Compiling ...');
    run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', 'tsconfig.build.json']);
    mkdirSync(join(root, 'dist'), { recursive: true });
    writeFileSync(built, '');
  }
}
