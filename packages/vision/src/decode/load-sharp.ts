// SPDX-License-Identifier: Apache-2.0
import { visionErrors } from '../errors.js';

export type Sharp = typeof import('sharp');

let loading: Promise<Sharp> | null = null;

/** sharp, imported when the first picture is decoded; its own cache is off, so that memory stays flat. */
export function loadSharp(): Promise<Sharp> {
  loading ??= importSharp();
  return loading;
}

async function importSharp(): Promise<Sharp> {
  try {
    const { default: sharp } = await import('sharp');
    sharp.cache(false);
    return sharp as unknown as Sharp;
  } catch (error) {
    loading = null;
    throw visionErrors.sharpMissing({ reason: String((error as Error).message).split('\n')[0]! }, { cause: error });
  }
}
