// SPDX-License-Identifier: Apache-2.0
import type { Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { AttentionAttributes, AttentionSpan } from '../../contracts/index.js';
import { tf } from '../../tf.js';
import { batchProduct } from '../products.js';
import { isInHostMemory, isPlainJs } from '../host-memory.js';
import { biasGradientOf, biasOf } from './bias.js';
import { hostAttention, hostAttentionGradient, type HostInputs } from './host-attention.js';
import { softCapped, softCapSlope } from '../soft-cap.js';
import { addUp, rowsOf, type Piece } from './pieces.js';
import { maskOf } from './spans.js';

/** H query heads, G key heads, H = G · M: queries of the M heads of a group are stacked as rows against one key head. */
export interface AttentionInputs {
  readonly q: Tensor3D; // [Tq, H, D]
  readonly k: Tensor3D; // [Tk, G, D]
  readonly v: Tensor3D; // [Tk, G, D]
  readonly bias?: Tensor2D | undefined; // [H, N]
}
export interface AttentionGradientInputs extends AttentionInputs {
  readonly dy: Tensor3D; // [Tq, H, D]
  readonly out: Tensor3D; // [Tq, H, D]
  readonly logSumExp: Tensor2D; // [Tq, H]
}

/** Per span: P = softmax(cap(scale · Q Kᵀ) + bias + mask), out = P V; logSumExp = max S − log max P. */
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
    const queries = stacked(rowsOf(q, ...queriesOf(span)), groups);
    const { scores, probabilities } = softmaxOf(span, queries, keys, attributes, inputs.bias);
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
 * (Dao et al., "FlashAttention", 2022, appendix B.2); with a soft cap, dS has its slope as a factor.
 */
export function attentionGradientComposite(
  inputs: AttentionGradientInputs,
  attributes: AttentionAttributes & { readonly wantsBias?: boolean },
): readonly Tensor[] {
  const { dy, q, k, v, bias, out, logSumExp } = inputs;
  const groups = k.shape[1];
  const { short, long } = parted(inputs, attributes.spans);
  const pieces = { q: [] as Piece[], k: [] as Piece[], v: [] as Piece[] };
  const wantsBias = bias !== undefined && attributes.wantsBias === true;
  const dBias: Tensor2D[] = [];
  if (short.length > 0) {
    const into = {
      dq: new Float32Array(q.size),
      dk: new Float32Array(k.size),
      dv: new Float32Array(k.size),
      dBias: wantsBias ? new Float32Array(bias.size) : null,
    };
    const host = hostInputs(inputs);
    const outer = { dy: values(dy), out: values(out), logSumExp: values(logSumExp) };
    for (const span of short) hostAttentionGradient(host, outer, span, attributes, into);
    pieces.q.push({ start: 0, rows: tf.tensor(into.dq, q.shape, 'float32') });
    pieces.k.push({ start: 0, rows: tf.tensor(into.dk, k.shape, 'float32') });
    pieces.v.push({ start: 0, rows: tf.tensor(into.dv, k.shape, 'float32') });
    if (into.dBias !== null) dBias.push(tf.tensor2d(into.dBias, bias!.shape, 'float32'));
  }
  for (const span of long) {
    const keys = byGroup(seenBy(span, k)); // [G, L, D]
    const queries = stacked(rowsOf(q, ...queriesOf(span)), groups); // [G, M·Lq, D]
    const { products, probabilities } = softmaxOf(span, queries, keys, attributes, bias);
    const dOut = stacked(rowsOf(dy, ...queriesOf(span)), groups);
    const delta = tf.sum(tf.mul(dOut, stacked(rowsOf(out, ...queriesOf(span)), groups)), -1, true); // [G, M·Lq, 1]
    const dP = batchProduct(dOut, byGroup(seenBy(span, v)), 'b');
    const dScores = tf.mul(probabilities, tf.sub(dP, delta)) as Tensor3D; // [G, M·Lq, L]
    if (wantsBias)
      dBias.push(biasGradientOf(span, attributes.bias!, perHead(dScores, span.queryLength), bias.shape[1]));
    const { scale, softCap } = attributes;
    const dProducts = softCap === 0 ? dScores : tf.mul(dScores, softCapSlope(products, softCap));
    const dS = tf.mul(dProducts, scale) as Tensor3D;
    pieces.q.push({ start: span.queryStart, rows: unstacked(batchProduct(dS, keys), span.queryLength) });
    pieces.k.push(...keyPieces(span, batchProduct(dS, queries, 'a')));
    pieces.v.push(...keyPieces(span, batchProduct(probabilities, dOut, 'a')));
  }
  const gradients = [addUp(pieces.q, q.shape), addUp(pieces.k, k.shape), addUp(pieces.v, v.shape)];
  return wantsBias ? [...gradients, sumOf(dBias, bias.shape)] : gradients;
}

const sumOf = (parts: readonly Tensor2D[], shape: [number, number]): Tensor2D =>
  parts.reduce((sum, part) => tf.add(sum, part), tf.zeros(shape) as Tensor2D);

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

function hostInputs({ q, k, v, bias }: AttentionInputs): HostInputs {
  const sizes = { heads: q.shape[1], groups: k.shape[1], size: q.shape[2], entries: bias?.shape[1] ?? 0 };
  return { q: values(q), k: values(k), v: values(v), bias: bias === undefined ? null : values(bias), ...sizes };
}

function softmaxOf(
  span: AttentionSpan,
  queries: Tensor3D,
  keys: Tensor3D,
  attributes: AttentionAttributes,
  bias: Tensor2D | undefined,
): { products: Tensor3D; scores: Tensor; probabilities: Tensor3D } {
  const scaled = tf.mul(batchProduct(queries, keys, 'b'), attributes.scale) as Tensor3D; // [G, M·Lq, L]
  const products = softCapped(scaled, attributes.softCap);
  const mask = maskOf(span, attributes);
  if (mask === null && bias === undefined) return { products, scores: products, probabilities: tf.softmax(products) };
  const biased = bias === undefined ? [] : [biasOf(span, attributes.bias!, bias)]; // [H, Lq or 1, L]
  const hidden = mask === null ? [] : [tf.tensor3d(mask, [1, span.queryLength, keys.shape[1]], 'float32')];
  const added = [...biased, ...hidden].reduce<Tensor>(
    (sum, part) => tf.add(sum, part),
    perHead(products, span.queryLength),
  );
  const scores = tf.reshape(added, products.shape) as Tensor3D;
  return { products, scores, probabilities: tf.softmax(scores) };
}

/** [G, M·Lq, L] → [H, Lq, L] */
const perHead = (scores: Tensor3D, queries: number): Tensor3D =>
  tf.reshape(scores, [scores.size / (queries * scores.shape[2]), queries, scores.shape[2]]);

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
