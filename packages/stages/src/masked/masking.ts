// SPDX-License-Identifier: Apache-2.0
import { uniforms } from '@llmf/core';
import type { Batch, BatchPlace, RowText } from '@llmf/training';
import { atOwnPlaces } from '../own-places.js';
import type { MaskedOptions } from './options.js';

export interface MaskingSettings extends MaskedOptions {
  readonly seed: number;
  readonly maskId: number;
  readonly text: Pick<RowText, 'continuesWord' | 'specialIds' | 'size'>;
}

/** Draws of each place: is it chosen, what becomes of it, and which other token. */
const drawsEach = 3;

/**
 * Hides tokens of each row. What is hidden depends on the seed, the split, the step and the row alone: not on the
 * microbatch, on neighbours or on who computes it; an evaluation hides the same tokens each time.
 */
export function masking(settings: MaskingSettings): (batch: Batch, place: BatchPlace) => Batch {
  return (batch, { split, step }) => {
    const ids = Int32Array.from(batch.ids);
    const places: number[] = [];
    const { start, length, group } = batch.responses;
    for (const r of start.keys()) {
      const key = { seed: settings.seed, stream: `masked ${split}`, step, microbatch: 0 };
      const draws = uniforms(key, `row ${batch.rowIndices[group[r]!]}`, drawsEach * length[r]!);
      const own = batch.ids.subarray(start[r], start[r]! + length[r]!);
      for (const at of chosenTokens(own, draws, settings)) {
        places.push(start[r]! + at);
        ids[start[r]! + at] = replaced(own[at]!, draws[drawsEach * at + 1]!, draws[drawsEach * at + 2]!, settings);
      }
    }
    return atOwnPlaces(batch, ids, places);
  };
}

/** Ascending places of tokens that are predicted: each word, or token, by the draw of its first one. */
function chosenTokens(ids: Int32Array, draws: Float32Array, settings: MaskingSettings): number[] {
  const words = wordsOf(ids, settings);
  if (words.length === 0) return [];
  const drawOf = (word: readonly number[]) => draws[drawsEach * word[0]!]!;
  const least = words.reduce((best, word) => (drawOf(word) < drawOf(best) ? word : best));
  return words.filter((word) => word === least || drawOf(word) < settings.probability).flat();
}

/** Places of what is chosen together: single tokens, or whole words; no special token. */
function wordsOf(ids: Int32Array, { wholeWords, text }: MaskingSettings): number[][] {
  const words: number[][] = [];
  for (const [at, id] of ids.entries()) {
    if (text.specialIds.has(id)) continue;
    const last = words.at(-1);
    const goesOn = wholeWords && text.continuesWord(id) && last?.at(-1) === at - 1;
    if (goesOn) last!.push(at);
    else words.push([at]);
  }
  return words;
}

function replaced(id: number, draw: number, other: number, { maskId, text }: MaskingSettings): number {
  if (draw < 0.8) return maskId;
  return draw < 0.9 ? Math.floor(other * text.size) : id;
}
