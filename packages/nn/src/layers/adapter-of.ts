// SPDX-License-Identifier: Apache-2.0
import type { ActiveAdapter, ForwardContext } from '../contracts/model.js';
import type { Segment } from '../contracts/segments.js';

/** The adapter of one segment of a pass; null: the base alone. */
export function adapterOf({ adapter }: Pick<ForwardContext, 'adapter'>, segment: number): ActiveAdapter | null {
  return adapter?.ofSegments === undefined ? adapter : (adapter.ofSegments[segment] ?? null);
}

/** One adapter for a pass whose segments have these: the one they share, or all of them, each for its own segment. */
export function adapterFor(ofSegments: readonly (ActiveAdapter | null)[]): ActiveAdapter | null {
  const [first = null] = ofSegments;
  if (ofSegments.every((each) => each === first)) return first;
  return { lowRank: () => null, ofSegments };
}

/** Does it change this layer's output? */
export const changesLayer = (adapter: ActiveAdapter, path: string): boolean =>
  adapter.changes?.(path) ?? (adapter.transform !== undefined || adapter.lowRank(path) !== null);

/** Is this where a sequence begins: no segment comes before it, and nothing of it was seen earlier? */
export const isBeginning = ({ prefix, continues }: Segment): boolean => prefix === undefined && continues !== true;

/** How many keys a sequence with this adapter has before its first token. */
export const lengthBefore = (adapter: ActiveAdapter | null): number =>
  (adapter?.virtualTokens?.length ?? 0) + (adapter?.keysBefore?.length ?? 0);
