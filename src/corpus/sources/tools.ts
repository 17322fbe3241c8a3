import { BagpiperError } from '../../errors.js';

/** The one error for a corpus tool that is not installed: these packages are development dependencies only. */
export function missingTool(name: string, cause: unknown): BagpiperError {
  return new BagpiperError(
    `the corpus builder needs the package ${name}, which is not installed; run "npm install" in a checkout of the repository (it is a development dependency) and try again`,
    { cause },
  );
}

/** Imports an optional package by name. @throws BagpiperError when it is not installed */
export async function importTool<T>(specifier: string): Promise<T> {
  try {
    return (await import(specifier)) as T;
  } catch (error) {
    throw missingTool(specifier, error);
  }
}
