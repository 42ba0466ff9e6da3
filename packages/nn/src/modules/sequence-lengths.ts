// SPDX-License-Identifier: Apache-2.0
import type { ForwardContext } from '../contracts/model.js';
import type { AttentionSpan } from '../contracts/ops.js';
import type { Positions } from '../contracts/segments.js';
import { scaledLength } from '../ops/rope/rope-scaling.js';
import type { RopeOptions } from '../ops/rope/rope-tables.js';
import { architectureErrors } from './architecture-errors.js';

/**
 * How many tokens the sequence of each token has, for scalings of rotary positions that go by it; undefined for others.
 * A shared prompt belongs to the sequences of all its answers.
 * @throws LLMF_NN_ROPE_LENGTHS where the answers of one prompt would rotate it differently, or an answer that is being
 * written would rotate what its cache holds differently
 */
export function sequenceLengths(
  { positions, cache }: Pick<ForwardContext, 'positions' | 'cache'>,
  spans: readonly AttentionSpan[],
  { scaling = null }: RopeOptions,
): Int32Array | undefined {
  if (scaling?.type !== 'dynamic' && scaling?.type !== 'longrope') return undefined;
  const places = largestOf(positions);
  const lengths = new Int32Array(places.length);
  const differ = (one: number, other: number) => scaledLength(scaling, one) !== scaledLength(scaling, other);
  for (const { queryStart, queryLength } of spans) {
    const end = 1 + places.subarray(queryStart, queryStart + queryLength).reduce((most, at) => Math.max(most, at), -1);
    lengths.fill(end, queryStart, queryStart + queryLength);
    const held = end - queryLength; // tokens of earlier passes
    if (cache !== undefined && scaling.type === 'longrope' && held > 0 && differ(held, end))
      throw architectureErrors.ropeLengths({ one: held, other: end, context: scaling.originalContext });
  }
  if (cache === undefined) lengthenPrefixes(lengths, spans, differ, scaling.originalContext);
  return lengths;
}

/** Tokens of a prefix have the length of the sequences that go on from it. */
function lengthenPrefixes(
  lengths: Int32Array,
  spans: readonly AttentionSpan[],
  differ: (one: number, other: number) => boolean,
  context: number,
): void {
  const shared = new Map<number, number>();
  for (const { queryStart, prefixStart, prefixLength } of spans) {
    if (prefixLength === 0) continue;
    const end = lengths[queryStart] ?? 0;
    const known = shared.get(prefixStart) ?? end;
    if (differ(known, end)) throw architectureErrors.ropeLengths({ one: known, other: end, context });
    shared.set(prefixStart, Math.max(known, end));
    lengths.fill(shared.get(prefixStart)!, prefixStart, prefixStart + prefixLength);
  }
}

const largestOf = (positions: Positions): Int32Array =>
  positions instanceof Int32Array
    ? positions
    : positions[0].map((first, at) => Math.max(first, positions[1][at]!, positions[2][at]!));
