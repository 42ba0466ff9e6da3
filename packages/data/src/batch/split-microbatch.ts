// SPDX-License-Identifier: Apache-2.0
import type { EncodedRow } from '@llmf/core';
import { packedLength } from './collate.js';

/**
 * Cuts rows, in order, into packs of at most `maxTokens` tokens. A row that is larger by itself makes its own pack:
 * rows are never cut here.
 */
export function splitMicrobatch(rows: readonly EncodedRow[], maxTokens: number, promptOnce: boolean): EncodedRow[][] {
  const packs: EncodedRow[][] = [];
  let room = 0;
  for (const row of rows) {
    const length = packedLength(row, promptOnce);
    if (length > room || packs.length === 0) {
      packs.push([]);
      room = maxTokens;
    }
    packs.at(-1)!.push(row);
    room -= length;
  }
  return packs;
}
