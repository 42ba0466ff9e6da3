// SPDX-License-Identifier: Apache-2.0
import type { AttentionAttributes, AttentionSpan } from '@llmf/nn';
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
    spans: wordsOf(list, causal),
    entries: bias?.shape[1] ?? 0,
    byDistance: place?.by === 'distance',
    zero: place?.zero ?? 0,
    bias: backend.optionalFloats(bias),
  };
}

/** Of the list that was asked for last: all blocks of a pass have the same one. */
let last: { readonly list: readonly AttentionSpan[]; readonly causal: boolean; readonly words: Int32Array } | null =
  null;

/** Spans as the native kernels read them. */
function wordsOf(list: readonly AttentionSpan[], causal: boolean): Int32Array {
  if (last?.list !== list || last.causal !== causal) last = { list, causal, words: spanWords(list, causal) };
  return last.words;
}

function spanWords(list: readonly AttentionSpan[], causal: boolean): Int32Array {
  const words = new Int32Array(7 * list.length);
  for (const [at, span] of list.entries()) {
    words[7 * at] = span.queryStart;
    words[7 * at + 1] = span.queryLength;
    words[7 * at + 2] = span.keyStart;
    words[7 * at + 3] = span.keyLength;
    words[7 * at + 4] = span.prefixStart;
    words[7 * at + 5] = span.prefixLength;
    words[7 * at + 6] = (span.causal ?? causal) ? 1 : 0;
  }
  return words;
}
