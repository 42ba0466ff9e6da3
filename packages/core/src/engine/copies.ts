// SPDX-License-Identifier: Apache-2.0
import { coreErrors } from '../core-errors.js';

interface Copy {
  readonly version: string;
  readonly url: string;
}

/** On globalThis: it must see every copy, whichever of them asks. */
const copies: Map<string, Copy[]> = ((globalThis as Record<symbol, unknown>)[Symbol.for('llmf:package-copies')] ??=
  new Map<string, Copy[]>()) as Map<string, Copy[]>;

/**
 * A package of which only one copy may be loaded says at import: here I am. `url` is its `import.meta.url`.
 * Two copies (say, one per plugin) become a coded error when the next plugin is applied.
 */
export function registerCopy(name: string, version: string, url: string): void {
  const known = copies.get(name) ?? [];
  if (!known.some((copy) => copy.url === url)) copies.set(name, [...known, { version, url }]);
}

/** @throws LLMF_CORE_TWO_COPIES */
export function checkSingleCopies(): void {
  for (const [name, loaded] of copies) {
    if (loaded.length > 1) {
      throw coreErrors.twoCopies({ name, copies: loaded.map(({ version, url }) => `${version} (${url})`) });
    }
  }
}
