// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { AttentionAttributes, AttentionSpan } from '../../contracts/index.js';
import { tf } from '../../tf.js';
import { batchProduct } from '../products.js';
import { isInHostMemory, isPlainJs } from '../host-memory.js';
import { hostAttention, hostAttentionGradient, type HostInputs } from './host-attention.js';
import { addUp, rowsOf, type Piece } from './pieces.js';
import { maskOf } from './spans.js';

/** H query heads, G key heads, H = G · M: queries of the M heads of a group are stacked as rows against one key head. */
export interface AttentionInputs {
  readonly q: Tensor3D; // [Tq, H, D]
  readonly k: Tensor3D; // [Tk, G, D]
  readonly v: Tensor3D; // [Tk, G, D]
}
export interface AttentionGradientInputs extends AttentionInputs {
  readonly dy: Tensor3D; // [Tq, H, D]
  readonly out: Tensor3D; // [Tq, H, D]
  readonly logSumExp: Tensor2D; // [Tq, H]
}

/** Per span: P = softmax(scale · Q Kᵀ + mask), out = P V; logSumExp = max S − log max P. */
export function attentionComposite(
  inputs: AttentionInputs,
  attributes: AttentionAttributes,
): readonly [Tensor3D, Tensor2D] {
  const { q, k, v } = inputs;
  const [tokens, heads, size] = q.shape;
  const groups = k.shape[1];
  const { short, long } = parted(inputs, attributes.spans);
  const outs: Piece[] = [];
  const sums: Piece[] = [];
  if (short.length > 0) {
    const into = { out: new Float32Array(q.size), logSumExp: new Float32Array(tokens * heads) };
    const host = hostInputs(inputs);
    for (const span of short) hostAttention(host, span, attributes, into);
    outs.push({ start: 0, rows: tf.tensor(into.out, q.shape, 'float32') });
    sums.push({ start: 0, rows: tf.tensor(into.logSumExp, [tokens, heads], 'float32') });
  }
  for (const span of long) {
    const keys = byGroup(seenBy(span, k)); // [G, L, D]
    const { scores, probabilities } = softmaxOf(span, stacked(rowsOf(q, ...queriesOf(span)), groups), keys, attributes);
    const start = span.queryStart;
    const out = unstacked(batchProduct(probabilities, byGroup(seenBy(span, v))), span.queryLength);
    outs.push({ start, rows: out });
    const logSumExp = tf.sub(tf.max(scores, -1), tf.log(tf.max(probabilities, -1))); // [G, M·L]
    sums.push({ start, rows: tf.transpose(tf.reshape(logSumExp, [heads, span.queryLength])) });
  }
  return [addUp(outs, [tokens, heads, size]) as Tensor3D, addUp(sums, [tokens, heads]) as Tensor2D];
}

/**
 * With P recomputed and Δ = Σ_d dO ∘ O: dV = Pᵀ dO, dS = scale · P ∘ (dO Vᵀ − Δ), dQ = dS K, dK = dSᵀ Q
 * (Dao et al., "FlashAttention", 2022, appendix B.2).
 */
export function attentionGradientComposite(
  inputs: AttentionGradientInputs,
  attributes: AttentionAttributes,
): readonly [Tensor3D, Tensor3D, Tensor3D] {
  const { dy, q, k, v, out, logSumExp } = inputs;
  const groups = k.shape[1];
  const { short, long } = parted(inputs, attributes.spans);
  const pieces = { q: [] as Piece[], k: [] as Piece[], v: [] as Piece[] };
  if (short.length > 0) {
    const into = { dq: new Float32Array(q.size), dk: new Float32Array(k.size), dv: new Float32Array(k.size) };
    const host = hostInputs(inputs);
    const outer = { dy: values(dy), out: values(out), logSumExp: values(logSumExp) };
    for (const span of short) hostAttentionGradient(host, outer, span, attributes, into);
    pieces.q.push({ start: 0, rows: tf.tensor(into.dq, q.shape, 'float32') });
    pieces.k.push({ start: 0, rows: tf.tensor(into.dk, k.shape, 'float32') });
    pieces.v.push({ start: 0, rows: tf.tensor(into.dv, k.shape, 'float32') });
  }
  for (const span of long) {
    const keys = byGroup(seenBy(span, k)); // [G, L, D]
    const queries = stacked(rowsOf(q, ...queriesOf(span)), groups); // [G, M·Lq, D]
    const { probabilities } = softmaxOf(span, queries, keys, attributes);
    const dOut = stacked(rowsOf(dy, ...queriesOf(span)), groups);
    const delta = tf.sum(tf.mul(dOut, stacked(rowsOf(out, ...queriesOf(span)), groups)), -1, true); // [G, M·Lq, 1]
    const dP = batchProduct(dOut, byGroup(seenBy(span, v)), 'b');
    const dS = tf.mul(tf.mul(probabilities, tf.sub(dP, delta)), attributes.scale) as Tensor3D;
    pieces.q.push({ start: span.queryStart, rows: unstacked(batchProduct(dS, keys), span.queryLength) });
    pieces.k.push(...keyPieces(span, batchProduct(dS, queries, 'a')));
    pieces.v.push(...keyPieces(span, batchProduct(probabilities, dOut, 'a')));
  }
  return [addUp(pieces.q, q.shape), addUp(pieces.k, k.shape), addUp(pieces.v, v.shape)] as [
    Tensor3D,
    Tensor3D,
    Tensor3D,
  ];
}

/** Multiplications of a span up to which plain loops win over kernel calls on wasm (measured near 0.6 ms for either). */
const shortWork = 600_000;

/** Spans for the host's loops and spans for kernels; a span's way depends on nothing but itself. */
function parted(
  { q }: AttentionInputs,
  spans: readonly AttentionSpan[],
): { short: AttentionSpan[]; long: AttentionSpan[] } {
  const [, heads, size] = q.shape;
  const some = spans.filter(({ queryLength }) => queryLength > 0);
  const isShort = ({ queryLength, keyLength, prefixLength }: AttentionSpan) =>
    isInHostMemory() && (isPlainJs() || heads * size * queryLength * (keyLength + prefixLength) <= shortWork);
  return { short: some.filter(isShort), long: some.filter((span) => !isShort(span)) };
}

const values = (tensor: Tensor) => tensor.dataSync() as Float32Array;

function hostInputs({ q, k, v }: AttentionInputs): HostInputs {
  return { q: values(q), k: values(k), v: values(v), heads: q.shape[1], groups: k.shape[1], size: q.shape[2] };
}

function softmaxOf(
  span: AttentionSpan,
  queries: Tensor3D,
  keys: Tensor3D,
  attributes: AttentionAttributes,
): { scores: Tensor; probabilities: Tensor3D } {
  const [groups, rows] = queries.shape;
  const columns = keys.shape[1];
  const products = tf.mul(batchProduct(queries, keys, 'b'), attributes.scale); // [G, M·Lq, L]
  const mask = maskOf(span, attributes);
  const scores =
    mask === null ? products : tf.reshape(masked(products, mask, span.queryLength), [groups, rows, columns]);
  return { scores, probabilities: tf.softmax(scores as Tensor3D) };
}

function masked(products: Tensor, mask: Float32Array, queryLength: number): Tensor {
  const columns = mask.length / queryLength;
  const perHead = tf.reshape(products, [products.size / mask.length, queryLength, columns]);
  return tf.add(perHead, tf.tensor3d(mask, [1, queryLength, columns], 'float32'));
}

const queriesOf = ({ queryStart, queryLength }: AttentionSpan) => [queryStart, queryLength] as const;

/** Keys or values a span sees, its prefix first: [L, G, D]. */
function seenBy({ keyStart, keyLength, prefixStart, prefixLength }: AttentionSpan, x: Tensor3D): Tensor3D {
  const own = rowsOf(x, keyStart, keyLength);
  return prefixLength === 0 ? own : tf.concat([rowsOf(x, prefixStart, prefixLength), own], 0);
}

const byGroup = (x: Tensor3D): Tensor3D => tf.transpose(x, [1, 0, 2]); // [L, G, D] → [G, L, D]

/** [L, G·M, D] → [G, M·L, D] */
function stacked(x: Tensor3D, groups: number): Tensor3D {
  const [length, heads, size] = x.shape;
  return tf.reshape(tf.transpose(x, [1, 0, 2]), [groups, (heads / groups) * length, size]);
}

/** [G, M·L, D] → [L, G·M, D] */
function unstacked(x: Tensor3D, length: number): Tensor3D {
  const size = x.shape[2];
  return tf.transpose(tf.reshape(x, [x.size / (length * size), length, size]), [1, 0, 2]);
}

/** The gradient of what a span saw, [G, L, D], as rows of the packed keys. */
function keyPieces({ keyStart, prefixStart, prefixLength }: AttentionSpan, gradient: Tensor3D): Piece[] {
  const rows = tf.transpose(gradient, [1, 0, 2]); // [L, G, D]
  const own = { start: keyStart, rows: rowsOf(rows, prefixLength, rows.shape[0] - prefixLength) };
  return prefixLength === 0 ? [own] : [own, { start: prefixStart, rows: rowsOf(rows, 0, prefixLength) }];
}
