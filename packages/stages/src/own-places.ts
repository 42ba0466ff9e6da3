// SPDX-License-Identifier: Apache-2.0
import type { Batch } from '@llmf/training';

/**
 * A batch whose counted tokens are those at some places of its row, each read at its own place rather than at the one
 * before it, as an encoder sees it.
 * @param ids what the model reads @param places ascending, of answers
 */
export function atOwnPlaces(batch: Batch, ids: Int32Array, places: readonly number[]): Batch {
  const { start, length } = batch.responses;
  const response: number[] = [];
  for (let r = 0, at = 0; at < places.length; at++) {
    while (places[at]! >= start[r]! + length[r]!) r++;
    response.push(r);
  }
  const tokens = new Int32Array(start.length);
  for (const r of response) tokens[r]!++;
  return {
    ...batch,
    ids,
    rows: Int32Array.from(places),
    targets: Int32Array.from(places, (place) => batch.ids[place]!),
    response: Int32Array.from(response),
    responses: { ...batch.responses, tokens },
  };
}
