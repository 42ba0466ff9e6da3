// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:buffer';
import { errors } from '../errors.js';
import type { Addon } from './addon.js';

/** What the addon threw, with a code where memory was short. */
export function codedError(error: unknown): unknown {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'ENOMEM' ? errors.memory({ reason: message }, { cause: error }) : error;
}

/** @throws LLMF_BACKEND_CPU_MEMORY */
export function allocate(addon: Addon, bytes: number): ArrayBuffer {
  try {
    return addon.allocate(bytes, constants.MAX_LENGTH);
  } catch (error) {
    throw codedError(error);
  }
}
