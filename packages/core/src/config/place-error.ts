// SPDX-License-Identifier: Apache-2.0
import { LlmfError } from '../errors.js';
import type { ConfigSource } from './config-source.js';
import type { RunConfig } from './run-config.js';

/**
 * What a run throws about a key of its config (`at: adapter.targets`) with the file and line where that key, or what is
 * nearest to it, was written. Any other error as it is.
 */
export function placeError(error: unknown, source: ConfigSource, { resolved }: RunConfig): unknown {
  if (!LlmfError.is(error) || error.status !== 1) return error;
  const { where } = error.detail;
  if (where === undefined || !/^[a-z]\w*(\.\w+)*$/i.test(where)) return error;
  const path = where.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part));
  if (!Object.hasOwn(resolved, path[0]!)) return error;
  const detail = { ...error.detail, where: `${source.locate(path)}, ${where}` };
  const { code, status, cause, stack } = error;
  return Object.assign(new LlmfError(code, detail, status, { cause }), { stack });
}
