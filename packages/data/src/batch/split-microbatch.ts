// SPDX-License-Identifier: Apache-2.0
import type { EncodedRow } from '@llmf/training';
import { packedLength } from './collate.js';

export interface MicrobatchLimits {
  readonly batchSize: number;
  /** Tokens of a packed row; null: no limit. */
  readonly maxTokens: number | null;
  readonly promptOnce: boolean;
}

/** Cuts rows, in order, into microbatches. A row that is larger than the limit by itself goes alone: none is cut here. */
export function splitMicrobatches(
  rows: readonly EncodedRow[],
  { batchSize, maxTokens, promptOnce }: MicrobatchLimits,
): EncodedRow[][] {
  const groups: EncodedRow[][] = [];
  let room = 0;
  for (const row of rows) {
    const length = packedLength(row, promptOnce);
    if (groups.length === 0 || length > room || groups.at(-1)!.length === batchSize) {
      groups.push([]);
      room = maxTokens ?? Infinity;
    }
    groups.at(-1)!.push(row);
    room -= length;
  }
  return groups;
}
