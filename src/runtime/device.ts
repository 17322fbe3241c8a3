/**
 * Which processor graphs run on: this one, or a graphics processor through one of ONNX Runtime's providers (docs/gpu.md).
 * Whether a provider works is tried in a process of its own: a driver may crash, hang or talk on standard error.
 */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BagpiperError } from '../errors.js';

/** In the order in which `auto` tries the last two. */
export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;
export type Device = (typeof DEVICES)[number];
export type DeviceChoice = Device | 'auto';

export interface DeviceReport {
  device: Device;
  works: boolean;
  /** what it is, or why it does not work */
  about: string;
}

/** Opening a driver for the first time may take seconds. */
const LONGEST_TRY = 60_000;

/** @throws BagpiperError for a name that is no device */
export function checkDevice(choice: string): asserts choice is DeviceChoice {
  if (choice === 'auto' || DEVICES.some((device) => device === choice)) return;
  throw new BagpiperError(`The device is "${choice}"; ${DEVICES.join(', ')} or auto is accepted.`);
}

/**
 * The device to run on. `auto`: the first graphics processor that works, else the CPU.
 *
 * @throws BagpiperError for a name that is no device, and for a named one that does not work here
 */
export async function chooseDevice(choice: DeviceChoice = 'cpu'): Promise<Device> {
  checkDevice(choice);
  if (choice === 'cpu') return choice;
  if (choice === 'auto') {
    if (!mayHaveGraphics()) return 'cpu';
    for (const device of DEVICES) if (device !== 'cpu' && (await reportDevice(device)).works) return device;
    return 'cpu';
  }
  const { works, about } = await reportDevice(choice);
  if (works) return choice;
  throw new BagpiperError(
    `The device "${choice}" cannot be used here: ${about}; the device "cpu" works everywhere (--device cpu).`,
  );
}

/** Tries a device: opens it and computes a sum on it. */
export async function reportDevice(device: Device): Promise<DeviceReport> {
  if (device === 'cpu') return { device, works: true, about: 'this processor' };
  const { works, about } = await tryApart(device);
  if (!works || mayHaveGraphics()) return { device, works, about };
  return { device, works, about: `${about}, by a software driver: slower than the CPU` };
}

/**
 * Whether the machine may have a graphics processor. Linux shows them as files; without one, a driver that answers is a
 * program on the CPU, which `auto` must not take.
 */
export function mayHaveGraphics(platform: NodeJS.Platform = process.platform): boolean {
  if (platform !== 'linux') return true;
  const in_ = (folder: string): string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  return in_('/dev').some((name) => /^(nvidia\d+|dxg)$/.test(name)) || in_('/dev/dri').some((n) => /^renderD/.test(n));
}

/** The trial as compiled JavaScript, also when this module runs as TypeScript in tests. */
function trialFile(): string {
  const here = import.meta.url;
  return fileURLToPath(
    here.endsWith('.ts') ? new URL('../../dist/runtime/trial.js', here) : new URL('./trial.js', here),
  );
}

function tryApart(device: Device): Promise<Omit<DeviceReport, 'device'>> {
  return new Promise((resolve) => {
    const options = { timeout: LONGEST_TRY, encoding: 'utf8' as const };
    execFile(process.execPath, [trialFile(), device], options, (error, stdout) => {
      const line = stdout.split('\n').find((text) => text.startsWith('{'));
      // What was computed counts, also where the driver crashes when it is closed.
      if (line) resolve(JSON.parse(line) as Omit<DeviceReport, 'device'>);
      else if (error?.killed) resolve({ works: false, about: `it did not answer in ${LONGEST_TRY / 1000} s` });
      else
        resolve({
          works: false,
          about: `opening it ended the process (${error?.signal ?? `exit code ${error?.code}`})`,
        });
    });
  });
}
