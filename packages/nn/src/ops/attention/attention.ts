// SPDX-License-Identifier: Apache-2.0
import type { Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { AttentionSpan, BiasPlace } from '../../contracts/index.js';
import { errors } from '../../errors.js';
import { tf } from '../../tf.js';
import { checkShape } from '../checks.js';
import { checkSoftCap } from '../soft-cap.js';
import { checkBias } from './bias.js';
import { attentionOp } from './gradient.js';
import { checkSpans } from './spans.js';

/** What is added to the scores, from a table with a row a head. */
export interface AttentionBias extends BiasPlace {
  readonly values: Tensor2D; // [H, N]
}

export interface AttentionOptions {
  /** From `spansOf(segments)` or `spansAcross(segments, others)`. Queries outside of all spans give zero. */
  readonly spans: readonly AttentionSpan[];
  /** 1/√D when left out. */
  readonly scale?: number | undefined;
  readonly causal?: boolean | undefined; // where the span does not say
  /** A key is seen when it lies less than this many tokens from the query; 0: any distance. */
  readonly window?: number | undefined;
  /** c: scale · q·k becomes c · tanh(scale · q·k / c), then a bias is added; 0: it stays. */
  readonly softCap?: number | undefined;
  /** Added to the scores; it may be trained. */
  readonly bias?: AttentionBias | undefined;
}

/**
 * Grouped-query attention within the segments of a packed row (Vaswani et al. 2017, equation 1; Ainslie et al. 2023):
 * q [Tq, H, D], k and v [Tk, G, D] with H a multiple of G → [Tq, H, D]. Causal unless said otherwise.
 *
 * @throws LLMF_NN_SHAPE, LLMF_NN_SPANS, LLMF_NN_VALUE
 */
export function attention(q: Tensor3D, k: Tensor3D, v: Tensor3D, options: AttentionOptions): Tensor3D {
  const { spans, causal = true, window = 0, softCap = 0, bias } = options;
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
  checkSoftCap('attention', softCap);
  const place = bias === undefined ? undefined : { by: bias.by, zero: bias.zero };
  const attributes = { spans, scale: options.scale ?? 1 / Math.sqrt(size), causal, window, softCap, bias: place };
  checkSpans(spans, queries, k.shape[0], attributes);
  if (bias !== undefined) {
    checkShape('attention', 'bias', bias.values, [heads, null], `[${heads}, entries], a row for each head`);
    checkBias(attributes, bias, bias.values.shape[1]);
  }
  const inputs = { q, k, v, bias: bias?.values };
  if (tf.engine().isTapeOn()) return tf.tidy(() => attentionOp(inputs, attributes)[0]);
  const [out, logSumExp] = attentionOp(inputs, attributes);
  logSumExp.dispose();
  return out;
}
