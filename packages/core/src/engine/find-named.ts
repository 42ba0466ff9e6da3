// SPDX-License-Identifier: Apache-2.0
import type { Container } from '../contracts/container.js';
import type { Named, Token } from '../contracts/token.js';
import { coreErrors } from '../core-errors.js';
import { closest, nearest } from '../text/nearest.js';

/**
 * The value of that name among those provided under a token. `where` says who asks, such as `train.schedule`.
 * @throws LLMF_CORE_UNKNOWN_NAME listing the known names, nearest first.
 */
export function findNamed<T extends Named>(container: Container, token: Token<T>, name: string, where?: string): T {
  const values = container.resolveAll(token);
  const found = values.find((value) => value.name === name);
  if (found !== undefined) return found;
  const names = values.map((value) => value.name);
  const meant = closest(name, names);
  throw coreErrors.unknownName({
    kind: kindOf(token),
    name,
    known: nearest(name, names),
    ...(where === undefined ? {} : { where }),
    hint: meant === null ? undefined : `write "${meant}"`,
  });
}

/** What a token's values are called in messages. */
export const kindOf = (token: symbol): string =>
  (token.description ?? 'value').replace(/^llmf:/, '').replaceAll('-', ' ');
