// SPDX-License-Identifier: Apache-2.0
import type { Tensor3D } from '@tensorflow/tfjs-core';
import type { AttentionSpan } from '../../contracts/index.js';
import { errors } from '../../errors.js';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { attentionOp } from './gradient.js';
import { checkSpans } from './spans.js';

export interface AttentionOptions {
  /** From `spansOf(segments)`. Queries outside of all spans give zero. */
  readonly spans: readonly AttentionSpan[];
  /** 1/√D when left out. */
  readonly scale?: number | undefined;
  readonly causal?: boolean | undefined;
  /** A key is seen when it lies less than this many tokens from the query; 0: any distance. */
  readonly window?: number | undefined;
}

/**
 * Grouped-query attention within the segments of a packed row (Vaswani et al. 2017, equation 1; Ainslie et al. 2023):
 * q [Tq, H, D], k and v [Tk, G, D] with H a multiple of G → [Tq, H, D]. Causal unless said otherwise.
 *
 * @throws LLMF_NN_SHAPE, LLMF_NN_SPANS, LLMF_NN_VALUE
 */
export function attention(q: Tensor3D, k: Tensor3D, v: Tensor3D, options: AttentionOptions): Tensor3D {
  const { spans, causal = true, window = 0 } = options;
  checkShape('attention', 'q', q, [null, null, null], '[tokens, heads, head size]');
  const [queries, heads, size] = q.shape;
  checkShape('attention', 'k', k, [null, null, size], `[keys, key heads, ${size}]`);
  checkShape('attention', 'v', v, k.shape, `[${k.shape.join(', ')}], the shape of k`);
  if (heads % k.shape[1] !== 0) {
    throw errors.shape({
      op: 'attention',
      input: 'k',
      got: k.shape,
      expected: `a number of key heads that divides ${heads}`,
    });
  }
  if (window < 0) throw errors.value({ op: 'attention', input: 'window', got: String(window), expected: '0 or more' });
  checkSpans(spans, queries, k.shape[0]);
  const scale = options.scale ?? 1 / Math.sqrt(size);
  return tf.tidy(() => attentionOp({ q, k, v }, { spans, scale, causal, window })[0]);
}
