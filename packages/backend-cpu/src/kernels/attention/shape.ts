// SPDX-License-Identifier: Apache-2.0
import type { AttentionAttributes } from '@llmf/nn';
import type { NativeArgument } from '../../addon/addon.js';
import type { TensorInfo } from '../define-kernel.js';

/** What attention and its gradient read first, in the order of read_attention_shape. */
export function attentionShape(q: TensorInfo, k: TensorInfo, attributes: AttentionAttributes): NativeArgument[] {
  const [queries, heads, size] = q.shape as [number, number, number];
  const [keys, groups] = k.shape as [number, number, number];
  const { spans, scale, causal, window } = attributes;
  const table = Int32Array.from(
    spans.flatMap((span) => [
      span.queryStart,
      span.queryLength,
      span.keyStart,
      span.keyLength,
      span.prefixStart,
      span.prefixLength,
    ]),
  );
  return [spans.length, table, queries, keys, heads, groups, size, scale, causal, window];
}
