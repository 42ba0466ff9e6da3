// SPDX-License-Identifier: Apache-2.0
import { kindOfToken } from '../tokens/expand-placeholders.js';
import type { MediaTokens } from '../tokens/media-tokens.js';

/** A sequence with one pad per medium, and how many pads each had. */
export interface CollapsedPads {
  readonly ids: Int32Array;
  readonly counted: Uint8Array;
  /** Length of each run of pads, in order: 1 as tokenized from text, more where the ids came expanded. */
  readonly runs: readonly { readonly at: number; readonly length: number }[];
}

/** Makes every run of equal pads one pad, so that ids from text and ids from a processor look alike. */
export function collapsePads(ids: Int32Array, counted: Uint8Array, tokens: MediaTokens): CollapsedPads {
  const runs: { at: number; length: number }[] = [];
  const kept: number[] = [];
  for (let at = 0; at < ids.length; at++) {
    const isPad = kindOfToken(ids[at]!, tokens) !== null;
    if (isPad && at > 0 && ids[at - 1] === ids[at]) runs.at(-1)!.length += 1;
    else {
      kept.push(at);
      if (isPad) runs.push({ at, length: 1 });
    }
  }
  return {
    ids: Int32Array.from(kept, (at) => ids[at]!),
    counted: Uint8Array.from(kept, (at) => counted[at] ?? 0),
    runs,
  };
}
