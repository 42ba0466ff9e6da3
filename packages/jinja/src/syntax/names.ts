// SPDX-License-Identifier: Apache-2.0
import { childrenOf } from './children.js';
import type { Expression } from './nodes.js';

/** Names that an expression reads, in order. */
export function forEachName(node: Expression | null, visit: (name: string) => void): void {
  if (node === null) return;
  if (node.kind === 'name') return visit(node.name);
  for (const child of childrenOf(node)) forEachName(child, visit);
}
