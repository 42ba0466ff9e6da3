// SPDX-License-Identifier: Apache-2.0
import type { Segment } from '../../contracts/segments.js';
import type { AttentionAttributes, AttentionSpan } from '../../contracts/index.js';
import { errors } from '../../errors.js';

/** What each segment of a packed row sees: itself, and all of its prefix. */
export function spansOf(segments: readonly Segment[]): AttentionSpan[] {
  return segments.map(({ start, length, prefix, causal }) => {
    const before = prefix === undefined ? { start: 0, length: 0 } : segments[prefix]!;
    return {
      queryStart: start,
      queryLength: length,
      keyStart: start,
      keyLength: length,
      prefixStart: before.start,
      prefixLength: before.length,
      ...(causal === undefined ? {} : { causal }),
    };
  });
}

/**
 * Cross attention: what each segment that has a source sees of another packed row, all of that segment of it.
 * @throws LLMF_NN_INDEX for a source that the other row does not have
 */
export function spansAcross(segments: readonly Segment[], sources: readonly Segment[]): AttentionSpan[] {
  return segments.flatMap(({ start, length, source }, position) => {
    if (source === undefined) return [];
    const seen = sources[source];
    if (seen === undefined)
      throw errors.index({ op: 'spansAcross', input: 'source', position, got: source, limit: sources.length });
    const keys = { keyStart: seen.start, keyLength: seen.length, prefixStart: 0, prefixLength: 0 };
    return [{ queryStart: start, queryLength: length, ...keys, causal: false }];
  });
}

/** @throws LLMF_NN_SPANS when a span leaves the queries or keys, or would leave a query without a key. */
export function checkSpans(
  spans: readonly AttentionSpan[],
  queries: number,
  keys: number,
  visibility: Visibility,
): void {
  for (const [span, s] of spans.entries()) {
    const problem = problemOf(s, queries, keys, visibility);
    if (problem !== null) throw errors.spans({ op: 'attention', span, problem });
  }
}

function problemOf(s: AttentionSpan, queries: number, keys: number, visibility: Visibility): string | null {
  const inside = (start: number, length: number, total: number) => start >= 0 && length >= 0 && start + length <= total;
  if (!inside(s.queryStart, s.queryLength, queries)) return `queries ${s.queryStart} + ${s.queryLength} of ${queries}`;
  if (!inside(s.keyStart, s.keyLength, keys)) return `keys ${s.keyStart} + ${s.keyLength} of ${keys}`;
  if (!inside(s.prefixStart, s.prefixLength, keys)) return `prefix ${s.prefixStart} + ${s.prefixLength} of ${keys}`;
  const isOrdered = isCausal(s, visibility) || visibility.window > 0;
  const needed = isOrdered ? s.queryLength : s.queryLength > 0 && s.prefixLength === 0 ? 1 : 0;
  if (s.keyLength < needed) return `${s.keyLength} keys for ${s.queryLength} queries`;
  return null;
}

/**
 * 0 where query i sees column c and a very low number elsewhere, [queryLength, prefixLength + keyLength]; null where
 * every query sees all. Finite, so that a row of scores never holds NaN.
 */
export function maskOf(span: AttentionSpan, attributes: Visibility): Float32Array | null {
  const { queryLength, keyLength, prefixLength } = span;
  if (attributes.window === 0 && (!isCausal(span, attributes) || queryLength === 1)) return null;
  const columns = prefixLength + keyLength;
  const mask = new Float32Array(queryLength * columns).fill(hidden);
  for (let i = 0; i < queryLength; i++) {
    const [first, end] = seenColumns(span, attributes, i);
    mask.fill(0, i * columns + first, i * columns + end);
  }
  return mask;
}

type Visibility = Pick<AttentionAttributes, 'causal' | 'window'>;

export const isCausal = (span: AttentionSpan, { causal }: Pick<Visibility, 'causal'>): boolean => span.causal ?? causal;

/** The number that query i of a span has among its keys: that of its own. */
export const numberOf = ({ queryLength, keyLength, prefixLength }: AttentionSpan, i: number): number =>
  prefixLength + i + keyLength - queryLength;

/** The columns [first, end) that query i of a span sees, of its prefix and then its own keys: always consecutive. */
export function seenColumns(span: AttentionSpan, visibility: Visibility, i: number): [first: number, end: number] {
  const { window } = visibility;
  const columns = span.prefixLength + span.keyLength;
  const position = numberOf(span, i);
  const first = window === 0 ? 0 : Math.max(0, position - window + 1);
  if (isCausal(span, visibility)) return [first, position + 1];
  return [first, window === 0 ? columns : Math.min(columns, position + window)];
}

const hidden = -1e30;
