// SPDX-License-Identifier: Apache-2.0
const marked = new WeakSet<object>();

/** Marks an error as thrown before its step changed anything of the run: what was done before is whole and can be saved. */
export function beforeChange(error: unknown): unknown {
  if (typeof error === 'object' && error !== null) marked.add(error);
  return error;
}

export const isBeforeChange = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && marked.has(error);
