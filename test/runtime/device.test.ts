import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BagpiperError } from '../../src/errors.js';
import {
  checkDevice,
  chooseDevice,
  type DeviceChoice,
  mayHaveGraphics,
  reportDevice,
} from '../../src/runtime/index.js';

/** What Vulkan's loader reads to find drivers. */
const DRIVERS = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES'];

describe('chooseDevice', () => {
  it('takes the CPU unless something else is asked for', async () => {
    expect(await chooseDevice()).toBe('cpu');
    expect(await chooseDevice('cpu')).toBe('cpu');
  });

  it('refuses other names', async () => {
    const message = 'The device is "gpu"; cpu, webgpu, cuda or auto is accepted.';
    expect(() => checkDevice('gpu')).toThrow(new BagpiperError(message));
    await expect(chooseDevice('gpu' as DeviceChoice)).rejects.toThrow(new BagpiperError(message));
  });

  it('with auto, takes a device that works', async () => {
    const device = await chooseDevice('auto');
    expect((await reportDevice(device)).works).toBe(true);
    if (!mayHaveGraphics()) expect(device).toBe('cpu');
  });

  it('gives a named device, or says in one sentence what it lacks and that the CPU works', async () => {
    const { works, about } = await reportDevice('cuda');
    if (works) expect(await chooseDevice('cuda')).toBe('cuda');
    else {
      expect(about).not.toMatch(/[\n]|\.$/);
      await expect(chooseDevice('cuda')).rejects.toThrow(
        new BagpiperError(
          `The device "cuda" cannot be used here: ${about}; the device "cpu" works everywhere (--device cpu).`,
        ),
      );
    }
  });
});

describe.runIf(process.platform === 'linux')('without a driver', () => {
  const before = DRIVERS.map((name) => process.env[name]);
  beforeEach(() => {
    for (const name of DRIVERS) process.env[name] = '/nowhere/driver.json';
  });
  afterEach(() => {
    for (const [i, name] of DRIVERS.entries()) {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    }
  });

  it('webgpu is refused', async () => {
    await expect(chooseDevice('webgpu')).rejects.toThrow(
      /^The device "webgpu" cannot be used here: .+; the device "cpu" works everywhere \(--device cpu\)\.$/,
    );
  });

  it('auto does not take webgpu', async () => {
    expect(await chooseDevice('auto')).not.toBe('webgpu');
  });
});

describe('mayHaveGraphics', () => {
  it('is true where no file could tell', () => {
    expect(mayHaveGraphics('darwin')).toBe(true);
    expect(mayHaveGraphics('win32')).toBe(true);
  });
});
