// SPDX-License-Identifier: Apache-2.0
/**
 * Attention of one span in plain loops, for backends in host memory: a short span costs less here than the two dozen
 * kernel calls of the composite. Adds into arrays of the whole packed row; float64 sums of float32 products.
 */
import type { AttentionAttributes, AttentionSpan } from '../../contracts/index.js';
import { entryOf } from './bias.js';
import { seenColumns } from './spans.js';

/** Row-major arrays of the packed row: q-like [Tq, H, D], k-like [Tk, G, D]. */
export interface HeadSizes {
  readonly heads: number;
  readonly groups: number;
  readonly size: number;
}
export interface HostInputs extends HeadSizes {
  readonly q: Float32Array;
  readonly k: Float32Array;
  readonly v: Float32Array;
  readonly bias: Float32Array | null; // [H, N]
  readonly entries: number; // N
}
export interface HostOutputs {
  readonly out: Float32Array; // [Tq, H, D], zero before
  readonly logSumExp: Float32Array; // [Tq, H]
}
export interface HostGradients {
  readonly dq: Float32Array;
  readonly dk: Float32Array;
  readonly dv: Float32Array;
  readonly dBias?: Float32Array | null; // [H, N]
}

/** out and logSumExp of the span's queries. */
export function hostAttention(
  inputs: HostInputs,
  span: AttentionSpan,
  attributes: AttentionAttributes,
  into: HostOutputs,
): void {
  const { q, k, v, bias, heads, groups, size } = inputs;
  const { scale, softCap } = attributes;
  const weights = new Float64Array(span.prefixLength + span.keyLength);
  forEachQuery(inputs, span, attributes, (query, head, keys, entry) => {
    const [qStart, offset] = [(query * heads + head) * size, Math.floor((head * groups) / heads) * size];
    let max = -Infinity;
    for (let c = 0; c < keys.length; c++) {
      const added = bias === null ? 0 : bias[entry + c]!;
      const score = capped(dot(q, qStart, k, keys[c]! * groups * size + offset, size) * scale, softCap) + added;
      weights[c] = score;
      if (score > max) max = score;
    }
    let total = 0;
    for (let c = 0; c < keys.length; c++) total += weights[c] = Math.exp(weights[c]! - max);
    for (let c = 0; c < keys.length; c++) {
      addScaled(into.out, qStart, v, keys[c]! * groups * size + offset, size, weights[c]! / total);
    }
    into.logSumExp[query * heads + head] = max + Math.log(total);
  });
}

/** Adds to dq, dk, dv what the span's queries give: see the composite for the formulas. */
export function hostAttentionGradient(
  inputs: HostInputs,
  { dy, out, logSumExp }: { readonly dy: Float32Array } & HostOutputs,
  span: AttentionSpan,
  attributes: AttentionAttributes,
  { dq, dk, dv, dBias = null }: HostGradients,
): void {
  const { q, k, v, bias, heads, groups, size } = inputs;
  const { scale, softCap } = attributes;
  forEachQuery(inputs, span, attributes, (query, head, keys, entry) => {
    const [qStart, offset] = [(query * heads + head) * size, Math.floor((head * groups) / heads) * size];
    const delta = dot(dy, qStart, out, qStart, size);
    const shift = logSumExp[query * heads + head]!;
    for (let c = 0; c < keys.length; c++) {
      const kStart = keys[c]! * groups * size + offset;
      const added = bias === null ? 0 : bias[entry + c]!;
      const score = capped(dot(q, qStart, k, kStart, size) * scale, softCap);
      const p = Math.exp(score + added - shift);
      const slope = p * (dot(dy, qStart, v, kStart, size) - delta);
      const dScore = slope * scale * (softCap === 0 ? 1 : 1 - (score / softCap) ** 2);
      if (dBias !== null) dBias[entry + c]! += slope;
      addScaled(dq, qStart, k, kStart, size, dScore);
      addScaled(dk, kStart, q, qStart, size, dScore);
      addScaled(dv, kStart, dy, qStart, size, p);
    }
  });
}

const capped = (score: number, cap: number): number => (cap === 0 ? score : cap * Math.tanh(score / cap));

/** Visits the span's queries, heads inside, with the rows of the keys each sees, prefix first, and the first one's bias. */
function forEachQuery(
  { heads, entries }: HostInputs,
  span: AttentionSpan,
  attributes: AttentionAttributes,
  visit: (query: number, head: number, keys: Int32Array, entry: number) => void,
): void {
  const { queryStart, queryLength, keyStart, keyLength, prefixStart, prefixLength } = span;
  const columns = prefixLength + keyLength;
  const rows = Int32Array.from({ length: columns }, (_, c) =>
    c < prefixLength ? prefixStart + c : keyStart + c - prefixLength,
  );
  for (let i = 0; i < queryLength; i++) {
    const [first, end] = seenColumns(span, attributes, i);
    const keys = rows.subarray(first, end);
    const entry = attributes.bias === undefined ? 0 : entryOf(span, attributes.bias, i) + first;
    for (let head = 0; head < heads; head++) visit(queryStart + i, head, keys, head * entries + entry);
  }
}

/** Four sums side by side: one would wait for itself at every step. */
function dot(a: Float32Array, aStart: number, b: Float32Array, bStart: number, length: number): number {
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  let d = 0;
  for (; d + 3 < length; d += 4) {
    sum0 += a[aStart + d]! * b[bStart + d]!;
    sum1 += a[aStart + d + 1]! * b[bStart + d + 1]!;
    sum2 += a[aStart + d + 2]! * b[bStart + d + 2]!;
    sum3 += a[aStart + d + 3]! * b[bStart + d + 3]!;
  }
  for (; d < length; d++) sum0 += a[aStart + d]! * b[bStart + d]!;
  return sum0 + sum1 + (sum2 + sum3);
}

function addScaled(
  to: Float32Array,
  toStart: number,
  from: Float32Array,
  start: number,
  length: number,
  factor: number,
): void {
  for (let d = 0; d < length; d++) to[toStart + d]! += factor * from[start + d]!;
}
