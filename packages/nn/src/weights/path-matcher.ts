// SPDX-License-Identifier: Apache-2.0
import { errors } from '../errors.js';

/**
 * Does a path carry a name, or match a pattern?
 * @param option that named it, for messages
 * @throws LLMF_NN_BAD_PATTERN
 */
export function matcherOf(target: string, option = 'adapter.targets'): (path: string) => boolean {
  const pattern = /^\/(.+)\/([imsu]*)$/.exec(target);
  if (pattern === null) return (path) => path === target || path.endsWith(`.${target}`);
  try {
    const expression = new RegExp(pattern[1]!, pattern[2]);
    return (path) => expression.test(path);
  } catch (error) {
    throw errors.badPattern({ option, target, reason: (error as Error).message });
  }
}
