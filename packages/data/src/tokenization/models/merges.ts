// SPDX-License-Identifier: Apache-2.0
import { UnsupportedPart } from '../json.js';
import { MergeQueue } from './merge-queue.js';
import type { Vocabulary } from './model.js';

const idLimit = 2 ** 24;
const positionLimit = 2 ** 28;

/** The merges of a byte-pair encoding: which neighbours become one token, the first in the list first. */
export class Merges {
  /** `left · 2²⁴ + right` → place in the list. */
  private readonly ranks = new Map<number, number>();
  /** Place in the list → id of the merged token. */
  private readonly merged: number[] = [];

  /** `prefixLength`: length of `continuing_subword_prefix`, which the right half loses. @throws UnsupportedPart */
  constructor(list: readonly unknown[], vocabulary: Vocabulary, prefixLength: number) {
    for (const given of list) {
      const pair = halves(given);
      if (pair === null) continue;
      const [left, right] = pair.map((half) => requireId(half, vocabulary)) as [number, number];
      this.ranks.set(left * idLimit + right, this.merged.length);
      this.merged.push(requireId(pair[0] + pair[1].slice(prefixLength), vocabulary));
    }
  }

  /** The ids after every merge that applies: lowest rank first, then leftmost. */
  apply(ids: number[]): number[] {
    if (ids.length < 2) return ids;
    const next = Int32Array.from(ids, (_, at) => at + 1);
    const previous = Int32Array.from(ids, (_, at) => at - 1);
    const queue = new MergeQueue();
    const offer = (at: number) => {
      const rank = this.ranks.get((ids[at] as number) * idLimit + (ids[next[at] as number] as number));
      if (rank !== undefined) queue.push(rank * positionLimit + at);
    };
    for (let at = 0; at + 1 < ids.length; at++) offer(at);
    for (let top = queue.pop(); top !== undefined; top = queue.pop()) {
      const at = top % positionLimit;
      const right = next[at] as number;
      const id = this.merged[Math.floor(top / positionLimit)] as number;
      if (ids[at] === gone || right >= ids.length || this.mergedId(ids[at] as number, ids[right] as number) !== id)
        continue;
      ids[at] = id;
      ids[right] = gone;
      const after = next[right] as number;
      next[at] = after;
      if (after < ids.length) previous[after] = at;
      if ((previous[at] as number) >= 0) offer(previous[at] as number);
      if (after < ids.length) offer(at);
    }
    return ids.filter((id) => id !== gone);
  }

  private mergedId(left: number, right: number): number | undefined {
    const rank = this.ranks.get(left * idLimit + right);
    return rank === undefined ? undefined : this.merged[rank];
  }
}

const gone = -1;

/** `"a b"` or `["a", "b"]`; null for the line that names the version. @throws UnsupportedPart */
function halves(given: unknown): readonly [string, string] | null {
  if (typeof given === 'string' && given.startsWith('#version')) return null;
  const parts = typeof given === 'string' ? given.split(' ') : given;
  if (Array.isArray(parts) && parts.length === 2 && parts.every((part) => typeof part === 'string'))
    return parts as [string, string];
  throw new UnsupportedPart('model.merges', `${JSON.stringify(given)} is not a pair`);
}

function requireId(token: string, vocabulary: Vocabulary): number {
  const id = vocabulary.id(token);
  if (id === undefined) throw new UnsupportedPart('model.merges', `${JSON.stringify(token)} is not in the vocabulary`);
  if (id >= idLimit) throw new UnsupportedPart('model.vocab', `${JSON.stringify(token)} has the id ${id}`);
  return id;
}
