// SPDX-License-Identifier: Apache-2.0
import type { Batch } from '@llmf/training';

/** A batch whose counted tokens are all of its answers' tokens, each read at its own place. */
export function everyToken(batch: Batch): Batch {
  const { start, length } = batch.responses;
  const places = [...start].flatMap((first, r) => Array.from({ length: length[r]! }, (_, at) => first + at));
  const response = [...length].flatMap((count, r) => Array.from({ length: count }, () => r));
  return {
    ...batch,
    rows: Int32Array.from(places),
    targets: Int32Array.from(places, (place) => batch.ids[place]!),
    response: Int32Array.from(response),
    responses: { ...batch.responses, tokens: Int32Array.from(length) },
  };
}
