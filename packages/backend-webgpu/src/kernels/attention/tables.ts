// SPDX-License-Identifier: Apache-2.0
import type { AttentionAttributes, AttentionSpan } from '@llmf/nn';
import type { TrainingWebGpuBackend } from '../../backend/webgpu-backend.js';
import type { TensorInfo } from '../define-kernel.js';

/** Words of a span in a table. */
export const spanWords = 8;

/** What the shaders read of the spans: how many there are, then each, then what a pass goes through. */
interface Table {
  readonly tensor: TensorInfo; // int32
  /** Groups of a pass, for one head. */
  readonly groups: number;
}

/** Blocks of at most `size` queries of one span: [span, first query] each. */
export function queryTable(attributes: AttentionAttributes, size: number, backend: TrainingWebGpuBackend): Table {
  const { spans } = attributes;
  const blocks = spans.flatMap(({ queryLength }, span) =>
    Array.from({ length: Math.ceil(queryLength / size) }, (_, block) => [span, block * size]),
  );
  return { tensor: tableOf(attributes, blocks.flat(), backend), groups: blocks.length };
}

/**
 * Blocks of `size` neighbouring keys, whatever their span: for each where its list begins and ends, then the lists: the
 * spans that see some of it, as [span, 1 where it is in their prefix].
 */
export function keyTable(
  attributes: AttentionAttributes,
  keys: number,
  size: number,
  backend: TrainingWebGpuBackend,
): Table {
  const lists = Array.from({ length: Math.ceil(keys / size) }, (_, block) =>
    attributes.spans.flatMap((span, index) => seenBy(span, block * size, size).map((inPrefix) => [index, inPrefix])),
  );
  const starts = lists.reduce<number[]>((ends, list) => [...ends, ends.at(-1)! + list.length], [0]);
  return { tensor: tableOf(attributes, [...starts, ...lists.flat(2)], backend), groups: lists.length };
}

/** Does a span with queries see any of the keys [first, first + size): 0 for its own, 1 for its prefix. */
function seenBy(span: AttentionSpan, first: number, size: number): number[] {
  const meets = (start: number, length: number) => start < first + size && start + length > first && length > 0;
  if (span.queryLength === 0) return [];
  return [
    ...(meets(span.keyStart, span.keyLength) ? [0] : []),
    ...(meets(span.prefixStart, span.prefixLength) ? [1] : []),
  ];
}

function tableOf(
  { spans, causal }: AttentionAttributes,
  rest: readonly number[],
  backend: TrainingWebGpuBackend,
): TensorInfo {
  const words = spans.flatMap((span) => [
    span.queryStart,
    span.queryLength,
    span.keyStart,
    span.keyLength,
    span.prefixStart,
    span.prefixLength,
    (span.causal ?? causal) ? 1 : 0,
    0,
  ]);
  const values = Int32Array.from([spans.length, ...words, ...rest]);
  return backend.makeTensorInfo([values.length], 'int32', values);
}
