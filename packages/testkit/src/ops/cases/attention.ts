// SPDX-License-Identifier: Apache-2.0
import {
  attention,
  kernels,
  spansAcross,
  spansOf,
  tf,
  type AttentionSpan,
  type BiasPlace,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
} from '@llmf/nn';
import { host, type OpCase } from '../op-case.js';

interface Form {
  readonly queries: number;
  readonly keys?: number;
  readonly heads: number;
  readonly groups: number;
  readonly size: number;
  readonly spans: readonly AttentionSpan[];
  readonly causal?: boolean;
  readonly window?: number;
  readonly scale?: number;
  readonly softCap?: number;
  readonly spread?: number;
  /** Entries a head, and where they lie. */
  readonly bias?: BiasPlace & { readonly entries: number };
}

function attentionCase(name: string, form: Form): OpCase {
  const { queries, keys = queries, heads, groups, size, spans, causal = true, window = 0, scale, spread = 1 } = form;
  const { bias: place, softCap } = form;
  return {
    name: `attention, ${name}`,
    kernels: [kernels.attention, kernels.attentionGradient],
    inputs: {
      q: host('q', [queries, heads, size], spread),
      k: host('k', [keys, groups, size], spread),
      v: host('v', [keys, groups, size]),
      ...(place === undefined ? {} : { bias: host('bias', [heads, place.entries]) }),
    },
    run: ({ q, k, v, bias }) => [
      attention(q as Tensor3D, k as Tensor3D, v as Tensor3D, {
        spans,
        causal,
        window,
        ...(scale ? { scale } : {}),
        softCap,
        ...(place === undefined ? {} : { bias: { values: bias as Tensor2D, by: place.by, zero: place.zero } }),
      }),
    ],
    naive: ({ q, k, v, bias }) => {
      const sees = visibility(form, causal, window);
      const perHead = Array.from({ length: heads }, (_, head) =>
        oneHead(
          columns(q!, head),
          columns(k!, Math.floor((head * groups) / heads)),
          columns(v!, Math.floor((head * groups) / heads)),
          tf.tensor2d(sees, [queries, keys], 'float32'),
          { scale: scale ?? 1 / Math.sqrt(size), softCap },
          bias === undefined ? null : addedOf(form, tf.slice(bias, [head, 0], [1, -1])),
        ),
      );
      return [tf.stack(perHead, 1)];
    },
    ...(spread > 4 ? { skipFiniteDifferences: 'the softmax is a step here' } : {}),
  };
}

const columns = (x: Tensor, head: number): Tensor =>
  tf.reshape(tf.slice(x, [0, head, 0], [x.shape[0]!, 1, x.shape[2]!]), [x.shape[0]!, x.shape[2]!]);

/** Dense: hidden scores are very low, and weights of queries that see nothing are zero. */
function oneHead(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  sees: Tensor,
  { scale, softCap }: { readonly scale: number; readonly softCap: number | undefined },
  added: Tensor | null,
): Tensor {
  const scaled = tf.mul(tf.matMul(q as never, tf.transpose(k)), scale);
  const products = softCap === undefined ? scaled : tf.mul(tf.tanh(tf.div(scaled, softCap)), softCap);
  const scores = added === null ? products : tf.add(products, added);
  const masked = tf.add(tf.mul(scores, sees), tf.mul(tf.sub(1, sees), -1e9));
  return tf.matMul(tf.mul(tf.softmax(masked), sees) as never, v as never);
}

/** What scores [queries, keys] gain from the entries [1, N] of a head: a sum over entries, of which one is chosen. */
function addedOf({ queries, keys = queries, spans, bias }: Form, entries: Tensor): Tensor {
  const chosen = new Int32Array(queries * keys).fill(-1);
  for (const s of spans) {
    for (let i = 0; i < s.queryLength; i++) {
      const ownNumber = s.prefixLength + i + s.keyLength - s.queryLength;
      for (let number = 0; number < s.prefixLength + s.keyLength; number++) {
        const key = number < s.prefixLength ? s.prefixStart + number : s.keyStart + number - s.prefixLength;
        chosen[(s.queryStart + i) * keys + key] = bias!.by === 'key' ? number : bias!.zero + number - ownNumber;
      }
    }
  }
  const choices = tf.oneHot(tf.tensor1d(chosen, 'int32'), bias!.entries); // −1 chooses none
  return tf.reshape(tf.matMul(tf.cast(choices, 'float32') as Tensor2D, tf.transpose(entries)), [queries, keys]);
}

/** 1 where query row sees key column, straight from the definition of a span. */
function visibility(form: Form, causal: boolean, window: number): Float32Array {
  const { queries, keys = queries, spans } = form;
  const sees = new Float32Array(queries * keys);
  for (const s of spans) {
    for (let i = 0; i < s.queryLength; i++) {
      const ownPosition = i + s.keyLength - s.queryLength; // among the span's own keys
      for (let p = 0; p < s.prefixLength; p++) {
        const distance = s.prefixLength + ownPosition - p;
        if (window === 0 || distance < window) sees[(s.queryStart + i) * keys + s.prefixStart + p] = 1;
      }
      for (let j = 0; j < s.keyLength; j++) {
        const distance = Math.abs(ownPosition - j);
        if (!((s.causal ?? causal) && j > ownPosition) && (window === 0 || distance < window)) {
          sees[(s.queryStart + i) * keys + s.keyStart + j] = 1;
        }
      }
    }
  }
  return sees;
}

const alone = (length: number): AttentionSpan[] => spansOf([{ start: 0, length }]);
const pair = spansOf([
  { start: 0, length: 3 },
  { start: 3, length: 2, prefix: 0 },
  { start: 5, length: 3, prefix: 0 },
]);

export const attentionCases: readonly OpCase[] = [
  attentionCase('one segment', { queries: 5, heads: 2, groups: 2, size: 4, spans: alone(5) }),
  attentionCase('one token', { queries: 1, heads: 2, groups: 1, size: 4, spans: alone(1) }),
  attentionCase('grouped heads', { queries: 4, heads: 6, groups: 2, size: 4, spans: alone(4) }),
  attentionCase('packed segments', {
    queries: 7,
    heads: 2,
    groups: 1,
    size: 4,
    spans: spansOf([
      { start: 0, length: 3 },
      { start: 3, length: 1 },
      { start: 4, length: 3 },
    ]),
  }),
  attentionCase('two answers on one prompt', { queries: 8, heads: 4, groups: 2, size: 4, spans: pair }),
  attentionCase('two answers on one prompt in a window', {
    queries: 8,
    heads: 2,
    groups: 1,
    size: 4,
    spans: pair,
    window: 3,
  }),
  attentionCase('window of one', { queries: 4, heads: 1, groups: 1, size: 4, spans: alone(4), window: 1 }),
  attentionCase('not causal', { queries: 5, heads: 2, groups: 1, size: 4, spans: alone(5), causal: false }),
  attentionCase('not causal, in a window', {
    queries: 6,
    heads: 1,
    groups: 1,
    size: 4,
    spans: alone(6),
    causal: false,
    window: 2,
  }),
  attentionCase('cached keys', {
    queries: 2,
    keys: 6,
    heads: 2,
    groups: 1,
    size: 4,
    spans: [{ queryStart: 0, queryLength: 2, keyStart: 0, keyLength: 6, prefixStart: 0, prefixLength: 0 }],
  }),
  attentionCase('own scale', { queries: 3, heads: 1, groups: 1, size: 4, spans: alone(3), scale: 2 }),
  attentionCase('a soft cap', { queries: 6, heads: 2, groups: 1, size: 4, spans: alone(6), spread: 2, softCap: 1.5 }),
  attentionCase('a soft cap that hardly binds', {
    queries: 5,
    heads: 2,
    groups: 1,
    size: 4,
    spans: alone(5),
    softCap: 50,
  }),
  attentionCase('a soft cap under scores far beyond it', {
    queries: 6,
    heads: 2,
    groups: 2,
    size: 8,
    spans: alone(6),
    spread: 8,
    softCap: 2,
  }),
  attentionCase('a soft cap, two answers on one prompt in a window, a bias by distance', {
    queries: 8,
    heads: 4,
    groups: 2,
    size: 4,
    spans: pair,
    window: 3,
    softCap: 0.8,
    bias: { by: 'distance', zero: 6, entries: 8 },
  }),
  attentionCase('steep softmax', { queries: 6, heads: 2, groups: 2, size: 8, spans: alone(6), spread: 8 }),
  attentionCase('tokens outside of all spans', { queries: 6, heads: 2, groups: 1, size: 4, spans: alone(4) }),
  attentionCase('an empty segment', {
    queries: 3,
    heads: 1,
    groups: 1,
    size: 4,
    spans: spansOf([
      { start: 0, length: 0 },
      { start: 0, length: 3 },
    ]),
  }),
  attentionCase('segments that see all of themselves beside causal ones', {
    queries: 9,
    heads: 2,
    groups: 1,
    size: 4,
    spans: spansOf([
      { start: 0, length: 3, causal: false },
      { start: 3, length: 2, prefix: 0 },
      { start: 5, length: 4 },
    ]),
  }),
  attentionCase('slopes: a bias by key', {
    queries: 8,
    heads: 4,
    groups: 2,
    size: 4,
    spans: pair,
    bias: { by: 'key', zero: 0, entries: 7 },
  }),
  attentionCase('a bias by distance', {
    queries: 8,
    heads: 4,
    groups: 2,
    size: 4,
    spans: pair,
    bias: { by: 'distance', zero: 6, entries: 8 },
  }),
  attentionCase('a bias by distance, not causal, in a window', {
    queries: 7,
    heads: 2,
    groups: 1,
    size: 4,
    spans: spansOf([
      { start: 0, length: 2 },
      { start: 2, length: 5 },
    ]),
    causal: false,
    window: 3,
    bias: { by: 'distance', zero: 2, entries: 5 },
  }),
  attentionCase('a bias by distance with cached keys', {
    queries: 2,
    keys: 6,
    heads: 2,
    groups: 1,
    size: 4,
    spans: [{ queryStart: 0, queryLength: 2, keyStart: 0, keyLength: 6, prefixStart: 0, prefixLength: 0 }],
    bias: { by: 'distance', zero: 5, entries: 6 },
  }),
  attentionCase('keys of another row, fewer and more than queries', {
    queries: 7,
    keys: 8,
    heads: 2,
    groups: 1,
    size: 4,
    spans: spansAcross(
      [
        { start: 0, length: 4, source: 1 },
        { start: 4, length: 1, source: 0 },
        { start: 5, length: 2, source: 1 },
      ],
      [
        { start: 0, length: 5 },
        { start: 5, length: 3 },
      ],
    ),
  }),
  {
    ...attentionCase('a bias beyond one block', {
      queries: 70,
      heads: 4,
      groups: 2,
      size: 20,
      spans: alone(70),
      bias: { by: 'distance', zero: 69, entries: 70 },
    }),
    skipFiniteDifferences: 'large',
  },
  {
    ...attentionCase('a soft cap, sizes beyond one block', {
      queries: 70,
      heads: 4,
      groups: 2,
      size: 20,
      spans: alone(70),
      softCap: 1.2,
    }),
    skipFiniteDifferences: 'large',
  },
  {
    ...attentionCase('sizes beyond one block', { queries: 70, heads: 4, groups: 2, size: 20, spans: alone(70) }),
    skipFiniteDifferences: 'large',
  },
];
