// SPDX-License-Identifier: Apache-2.0
import { attention, kernels, spansOf, tf, type AttentionSpan, type Tensor, type Tensor3D } from '@llmf/nn';
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
  readonly spread?: number;
}

function attentionCase(name: string, form: Form): OpCase {
  const { queries, keys = queries, heads, groups, size, spans, causal = true, window = 0, scale, spread = 1 } = form;
  return {
    name: `attention, ${name}`,
    kernels: [kernels.attention, kernels.attentionGradient],
    inputs: {
      q: host('q', [queries, heads, size], spread),
      k: host('k', [keys, groups, size], spread),
      v: host('v', [keys, groups, size]),
    },
    run: ({ q, k, v }) => [
      attention(q as Tensor3D, k as Tensor3D, v as Tensor3D, { spans, causal, window, ...(scale ? { scale } : {}) }),
    ],
    naive: ({ q, k, v }) => {
      const sees = visibility(form, causal, window);
      const perHead = Array.from({ length: heads }, (_, head) =>
        oneHead(
          columns(q!, head),
          columns(k!, Math.floor((head * groups) / heads)),
          columns(v!, Math.floor((head * groups) / heads)),
          tf.tensor2d(sees, [queries, keys], 'float32'),
          scale ?? 1 / Math.sqrt(size),
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
function oneHead(q: Tensor, k: Tensor, v: Tensor, sees: Tensor, scale: number): Tensor {
  const scores = tf.mul(tf.matMul(q as never, tf.transpose(k)), scale);
  const masked = tf.add(tf.mul(scores, sees), tf.mul(tf.sub(1, sees), -1e9));
  return tf.matMul(tf.mul(tf.softmax(masked), sees) as never, v as never);
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
        if ((!causal || j <= ownPosition) && (window === 0 || distance < window)) {
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
  {
    ...attentionCase('sizes beyond one block', { queries: 70, heads: 4, groups: 2, size: 20, spans: alone(70) }),
    skipFiniteDifferences: 'large',
  },
];
