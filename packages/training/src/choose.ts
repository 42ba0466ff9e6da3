// SPDX-License-Identifier: Apache-2.0
import { findNamed, type Container, type Named, type Token } from '@llmf/core';
import { trainingErrors } from './training-errors.js';

/** The value of that name. @throws LLMF_CORE_UNKNOWN_NAME listing the known ones, nearest first. */
export function chosen<T extends Named>(container: Container, token: Token<T>, name: string, where: string): T {
  return findNamed(container, token, name, where);
}

/** A value named inside a section (`train.schedule: cosine` or `{ name: cosine, … }`) with its parsed options. */
export function chosenWithOptions<T extends Named>(
  container: Container,
  token: Token<T>,
  choice: string | { readonly name: string; readonly [option: string]: unknown },
  where: string,
): { value: T; options: Record<string, unknown> } {
  const { name, ...given } = typeof choice === 'string' ? { name: choice } : choice;
  const value = chosen(container, token, name, where);
  if (value.options === undefined) {
    const unknown = Object.keys(given)[0];
    if (unknown === undefined) return { value, options: {} };
    throw trainingErrors.badOption({ where: `${where}.${unknown}`, problem: `${name} takes no options` });
  }
  const parsed = value.options.safeParse(given);
  if (parsed.success) return { value, options: parsed.data as Record<string, unknown> };
  const issue = parsed.error.issues[0]!;
  throw trainingErrors.badOption({ where: [where, ...issue.path.map(String)].join('.'), problem: issue.message });
}
