// SPDX-License-Identifier: Apache-2.0
import type { Segment } from '../../contracts/segments.js';
import type { AttentionAttributes, AttentionSpan } from '../../contracts/index.js';
import { errors } from '../../errors.js';

/** What each segment of a packed row sees: itself, and all of its prefix. */
export function spansOf(segments: readonly Segment[]): AttentionSpan[] {
  return segments.map(({ start, length, prefix }) => {
    const before = prefix === undefined ? { start: 0, length: 0 } : segments[prefix]!;
    return {
      queryStart: start,
      queryLength: length,
      keyStart: start,
      keyLength: length,
      prefixStart: before.start,
      prefixLength: before.length,
    };
  });
}

/** @throws LLMF_NN_SPANS when a span leaves the queries or keys, or would leave a query without a key. */
export function checkSpans(spans: readonly AttentionSpan[], queries: number, keys: number): void {
  for (const [span, s] of spans.entries()) {
    const problem = problemOf(s, queries, keys);
    if (problem !== null) throw errors.spans({ op: 'attention', span, problem });
  }
}

function problemOf(s: AttentionSpan, queries: number, keys: number): string | null {
  const inside = (start: number, length: number, total: number) => start >= 0 && length >= 0 && start + length <= total;
  if (!inside(s.queryStart, s.queryLength, queries)) return `queries ${s.queryStart} + ${s.queryLength} of ${queries}`;
  if (!inside(s.keyStart, s.keyLength, keys)) return `keys ${s.keyStart} + ${s.keyLength} of ${keys}`;
  if (!inside(s.prefixStart, s.prefixLength, keys)) return `prefix ${s.prefixStart} + ${s.prefixLength} of ${keys}`;
  if (s.keyLength < s.queryLength) return `${s.keyLength} keys for ${s.queryLength} queries`;
  return null;
}

/**
 * 0 where query i sees column c and a very low number elsewhere, [queryLength, prefixLength + keyLength]; null where
 * every query sees all. Finite, so that a row of scores never holds NaN.
 */
export function maskOf(span: AttentionSpan, attributes: Visibility): Float32Array | null {
  const { queryLength, keyLength, prefixLength } = span;
  const { causal, window } = attributes;
  if (window === 0 && (!causal || queryLength === 1)) return null;
  const columns = prefixLength + keyLength;
  const mask = new Float32Array(queryLength * columns).fill(hidden);
  for (let i = 0; i < queryLength; i++) {
    const [first, end] = seenColumns(span, attributes, i);
    mask.fill(0, i * columns + first, i * columns + end);
  }
  return mask;
}

type Visibility = Pick<AttentionAttributes, 'causal' | 'window'>;

/** The columns [first, end) that query i of a span sees, of its prefix and then its own keys: always consecutive. */
export function seenColumns(
  { queryLength, keyLength, prefixLength }: AttentionSpan,
  { causal, window }: Visibility,
  i: number,
): [first: number, end: number] {
  const columns = prefixLength + keyLength;
  const position = prefixLength + i + keyLength - queryLength;
  const first = window === 0 ? 0 : Math.max(0, position - window + 1);
  if (causal) return [first, position + 1];
  return [first, window === 0 ? columns : Math.min(columns, position + window)];
}

const hidden = -1e30;
