// SPDX-License-Identifier: Apache-2.0
import type { AttentionAttributes } from '@llmf/nn';
import type { NativeBackend, TensorInfo } from '../define-kernel.js';

/** What attention and its gradient share. */
export function attentionShapeOf(
  q: TensorInfo,
  k: TensorInfo,
  attributes: AttentionAttributes,
  { roundsProducts: rounds }: NativeBackend,
) {
  const [queries, heads, size] = q.shape as [number, number, number];
  const [keys, groups] = k.shape as [number, number, number];
  const { spans: list, scale, causal, window } = attributes;
  const spans = Int32Array.from(
    list.flatMap((span) => [
      span.queryStart,
      span.queryLength,
      span.keyStart,
      span.keyLength,
      span.prefixStart,
      span.prefixLength,
    ]),
  );
  return { spanCount: list.length, queries, keys, heads, groups, size, scale, causal, window, rounds, spans };
}
