import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type PullEvent,
  type PullOptions,
  pulledFolder,
  pullModel,
  snapshotFolder,
} from '../../../src/weights/hub/index.js';
import { COMMIT, oidOf, published, QWEN_COMMIT, StubHub, sha256, text } from './stub-hub.js';

const MODEL = 'espnet/bagpiper-sft';
const PACE = { attempts: 4, backoff: 5, silence: 5000, chunk: 65_536 };
let home: string;
let hub: StubHub;
let env: Record<string, string>;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'bagpiper-hub-'));
  hub = await StubHub.start(published());
  env = { HOME: home, HF_ENDPOINT: hub.endpoint };
});
afterEach(async () => {
  await hub.stop();
  rmSync(home, { recursive: true, force: true });
});

const cache = (...steps: string[]): string => join(home, '.cache/huggingface/hub', ...steps);
const root = (...steps: string[]): string => cache('models--espnet--bagpiper-sft', ...steps);
const pull = (options: PullOptions = {}, name = MODEL) => pullModel(name, { env, pace: PACE, ...options });
const contentOf = (path: string, repo = MODEL): Buffer => Buffer.from(hub.repos[repo].files[path].content);
/** every file below a folder, by its path there */
const below = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

const MODEL_FILES = ['MANIFEST', 'README.md', 'conf/train sft+1.yaml', 'model.pt'];
const TOKENIZER = ['merges.txt', 'tokenizer.json', 'tokenizer_config.json', 'vocab.json'];

describe('pulling into the cache', () => {
  it('brings model and tokenizer, and leaves what training left', async () => {
    const pulled = await pull();
    expect(pulled).toMatchObject({ repo: MODEL, revision: 'main', commit: COMMIT, files: 8 });
    expect(pulled.folder).toBe(root('snapshots', COMMIT));
    expect(pulled.tokenizer).toEqual({ repo: 'Qwen/Qwen3-8B-Base', commit: QWEN_COMMIT });
    expect(below(pulled.folder)).toEqual([...MODEL_FILES, ...TOKENIZER].sort());
    for (const path of MODEL_FILES)
      expect(readFileSync(join(pulled.folder, path)).equals(contentOf(path)), 'content').toBe(true);
    for (const path of TOKENIZER) {
      expect(readFileSync(join(pulled.folder, path)).equals(contentOf(path, 'Qwen/Qwen3-8B-Base')), 'content').toBe(
        true,
      );
    }
    expect(pulled.skipped.map(({ path, why }) => [path, why])).toEqual([
      ['.gitattributes', 'hidden'],
      ['exp/mp_rank_00_optim_states.pt', 'training state'],
      ['exp/train.log', 'log'],
      ['images/loss.png', 'picture'],
    ]);
    expect(hub.downloads('hub').some(({ path }) => path.includes('model-00001'))).toBe(false);
  });

  it("lays the cache out as the hub's tools do", async () => {
    await pull();
    const { files } = hub.repos[MODEL];
    expect(readFileSync(root('refs/main'), 'utf8')).toBe(COMMIT);
    expect(readlinkSync(root('snapshots', COMMIT, 'model.pt'))).toBe(
      `../../blobs/${sha256(files['model.pt'].content)}`,
    );
    expect(readlinkSync(root('snapshots', COMMIT, 'conf/train sft+1.yaml'))).toBe(
      `../../../blobs/${oidOf(files['conf/train sft+1.yaml'])}`,
    );
    expect(readdirSync(root()).sort()).toEqual(['blobs', 'refs', 'snapshots']);
    expect(below(root('blobs')).filter((name) => !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(name))).toEqual([]);
    expect(below(cache('.locks'))).toEqual([]);
  });

  it('fetches nothing twice', async () => {
    const { bytes, received } = await pull();
    expect(received).toBe(bytes);
    const before = hub.asked.length;
    const again = await pull();
    expect(again.received).toBe(0);
    expect(hub.asked.slice(before).every(({ path }) => path.startsWith('/api/'))).toBe(true);
  });

  it('fetches of a new commit only what is new', async () => {
    await pull();
    const repo = hub.repos[MODEL];
    const commit = 'd'.repeat(40);
    hub.repos[MODEL] = { ...repo, commit, files: { ...repo.files, 'README.md': text('# Another') } };
    const { folder, received } = await pull();
    expect(received).toBe('# Another'.length);
    expect(folder).toBe(root('snapshots', commit));
    expect(below(folder)).toEqual([...MODEL_FILES, ...TOKENIZER].sort());
    expect(readFileSync(root('snapshots', COMMIT, 'README.md'), 'utf8')).toBe('# A model');
    expect(readFileSync(root('refs/main'), 'utf8')).toBe(commit);
  });

  it('fetches equal files once', async () => {
    const { files } = hub.repos[MODEL];
    files['copy.pt'] = files['model.pt'];
    files['deep/copy.pt'] = files['model.pt'];
    const { folder, bytes, received } = await pull();
    expect(received).toBe(bytes - 2 * 300_000);
    expect(readFileSync(join(folder, 'deep/copy.pt')).equals(contentOf('model.pt')), 'content').toBe(true);
  });

  it('pins a revision to its commit', async () => {
    const { commit, folder } = await pull({ revision: 'refs/pr/1' });
    expect({ commit, ref: readFileSync(root('refs/refs/pr/1'), 'utf8') }).toEqual({ commit: COMMIT, ref: COMMIT });
    expect(snapshotFolder(`${MODEL}@refs/pr/1`, env)).toBe(folder);
    expect(
      hub.downloads('hub').every(({ path }) => path.includes(`/resolve/${COMMIT}/`) || path.includes(QWEN_COMMIT)),
    ).toBe(true);
    await pull({}, `${MODEL}@${COMMIT}`);
    expect(readdirSync(root('refs'))).toEqual(['refs']);
  });

  it('reads a listing of many pages', async () => {
    hub.pageSize = 2;
    const { files } = hub.repos[MODEL];
    for (let i = 0; i < 9; i++) files[`conf/${i}.yaml`] = text(`steps: ${i}`);
    const { folder } = await pull({ tokenizer: false });
    expect(below(folder)).toHaveLength(MODEL_FILES.length + 9);
  });

  it('takes what is asked for', async () => {
    const { folder } = await pull({ include: ['*.yaml', 'exp/'], tokenizer: false });
    expect(below(folder)).toEqual(['conf/train sft+1.yaml', 'exp/mp_rank_00_optim_states.pt', 'exp/train.log']);
    await expect(pull({ include: ['*.onnx'] })).rejects.toThrow(/fits --include "\*\.onnx"; it has .gitattributes/);
  });

  it('brings no tokenizer where the model has one, or where there are no weights', async () => {
    hub.repos[MODEL].files['tokenizer.json'] = text('{}');
    expect(await pull()).toMatchObject({ tokenizer: undefined });
    expect(await pull({ include: ['*.md'] })).toMatchObject({ tokenizer: undefined });
    await expect(pull({ tokenizer: MODEL }, 'Qwen/Qwen3-8B-Base')).resolves.toMatchObject({ tokenizer: undefined });
  });

  it('follows HF_HUB_CACHE and HF_HOME', async () => {
    const one = await pull({ env: { ...env, HF_HOME: join(home, 'one') } });
    expect(one.folder).toBe(join(home, 'one/hub/models--espnet--bagpiper-sft/snapshots', COMMIT));
    const two = await pull({ env: { ...env, HF_HOME: join(home, 'one'), HF_HUB_CACHE: '~/two' } });
    expect(two.folder).toBe(join(home, 'two/models--espnet--bagpiper-sft/snapshots', COMMIT));
  });

  it('hands the folder to a further step, whose result is what is found', async () => {
    const run = async (from: string, to: string): Promise<void> => {
      expect(below(from)).toContain('tokenizer.json');
      mkdirSync(to, { recursive: true });
      writeFileSync(join(to, 'config.json'), '{}');
    };
    const { folder } = await pull({ convert: { format: 'q4', run } });
    expect(folder).toBe(join(home, '.cache/huggingface/bagpiper/models--espnet--bagpiper-sft', `${COMMIT}-q4`));
    expect(pulledFolder(MODEL, env)).toBe(folder);
  });
});

describe('pulling into a folder', () => {
  const out = (...steps: string[]): string => join(home, 'mine', ...steps);

  it('writes plain files, and nothing twice', async () => {
    const { folder } = await pull({ out: out() });
    expect(folder).toBe(out());
    expect(below(folder).filter((path) => !path.startsWith('.cache/'))).toEqual([...MODEL_FILES, ...TOKENIZER].sort());
    expect(lstatSync(out('model.pt')).isFile()).toBe(true);
    expect(readFileSync(out('model.pt')).equals(contentOf('model.pt')), 'content').toBe(true);
    expect(existsSync(cache())).toBe(false);
    expect(await pull({ out: out() })).toMatchObject({ received: 0 });
  });

  it('keeps notes that say what a file is, and sees when it has become another', async () => {
    await pull({ out: out() });
    const [commit, hex] = readFileSync(out('.cache/huggingface/download/model.pt.metadata'), 'utf8').split('\n');
    expect({ commit, hex }).toEqual({ commit: COMMIT, hex: sha256(contentOf('model.pt')) });
    rmSync(out('.cache'), { recursive: true });
    expect(await pull({ out: out() })).toMatchObject({ received: 0 });
    rmSync(out('.cache'), { recursive: true });
    writeFileSync(out('README.md'), '# a MODEL');
    expect(await pull({ out: out() })).toMatchObject({ received: '# A model'.length });
    expect(readFileSync(out('README.md'), 'utf8')).toBe('# A model');
  });

  it('copies what the cache has', async () => {
    await pull();
    expect(await pull({ out: out() })).toMatchObject({ received: 0 });
    expect(readFileSync(out('model.pt')).equals(contentOf('model.pt')), 'content').toBe(true);
    expect(lstatSync(out('tokenizer.json')).isFile()).toBe(true);
  });
});

describe('without the network', () => {
  it('gives what was pulled', async () => {
    const { folder } = await pull();
    const before = hub.asked.length;
    const offline = { ...env, HF_HUB_OFFLINE: '1' };
    expect(await pull({ env: offline })).toMatchObject({ folder, commit: COMMIT });
    await expect(pull({ env: offline }, 'espnet/bagpiper')).rejects.toThrow(/not pulled before.*HF_HUB_OFFLINE/);
    await expect(pull({ env: offline, revision: 'v2' })).rejects.toThrow('HF_HUB_OFFLINE');
    expect(hub.asked.length).toBe(before);
  });

  it('finds a pulled model by its name, or says how to get it', async () => {
    expect(() => pulledFolder(MODEL, env)).toThrow(
      `${MODEL} is no folder here, and no model that was pulled; "bagpiper pull ${MODEL}" gets it from the hub.`,
    );
    await pull({ revision: 'v1' });
    expect(() => pulledFolder(MODEL, env)).toThrow(/revisions v1, c0ffee/);
    expect(() => pulledFolder(`${MODEL}@v1`, env)).toThrow(
      `must be converted once: bagpiper convert "${root('snapshots', COMMIT)}" "${home}/.cache/huggingface/bagpiper/models--espnet--bagpiper-sft/${COMMIT}-q4".`,
    );
    expect(snapshotFolder(`${MODEL}@v1`, env)).toBe(root('snapshots', COMMIT));
    expect(snapshotFolder(`${MODEL}@${COMMIT}`, env)).toBe(root('snapshots', COMMIT));
  });
});

describe('telling', () => {
  it('says what there is to do, and how far it is', async () => {
    const events: PullEvent[] = [];
    const { bytes } = await pull({ onEvent: (event) => events.push(event) });
    expect(events[0]).toMatchObject({ type: 'listed', repo: MODEL, commit: COMMIT, files: 8, bytes, present: 0 });
    expect(events.at(-1)).toMatchObject({ type: 'progress', done: bytes, total: bytes });
  });
});
