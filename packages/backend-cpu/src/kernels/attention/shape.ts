// SPDX-License-Identifier: Apache-2.0
import type { AttentionAttributes } from '@llmf/nn';
import type { NativeBackend, TensorInfo } from '../define-kernel.js';

/** What attention and its gradient share. */
export function attentionShapeOf(
  q: TensorInfo,
  k: TensorInfo,
  bias: TensorInfo | undefined,
  attributes: AttentionAttributes,
  backend: NativeBackend,
) {
  const [queries, heads, size] = q.shape as [number, number, number];
  const [keys, groups] = k.shape as [number, number, number];
  const { spans: list, scale, causal, window, softCap, bias: place } = attributes;
  const spans = Int32Array.from(
    list.flatMap((span) => [
      span.queryStart,
      span.queryLength,
      span.keyStart,
      span.keyLength,
      span.prefixStart,
      span.prefixLength,
      (span.causal ?? causal) ? 1 : 0,
    ]),
  );
  return {
    spanCount: list.length,
    queries,
    keys,
    heads,
    groups,
    size,
    scale,
    window,
    softCap,
    rounds: backend.roundsProducts,
    spans,
    entries: bias?.shape[1] ?? 0,
    byDistance: place?.by === 'distance',
    zero: place?.zero ?? 0,
    bias: backend.optionalFloats(bias),
  };
}
