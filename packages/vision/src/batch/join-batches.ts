// SPDX-License-Identifier: Apache-2.0
import type { Batch } from '@llmf/training';

/**
 * Packs the responses of `added` behind those of `batch`, group by group: a group gets what the other's group of the
 * same number holds. Positions and media are left to the caller.
 */
export function joinBatches(batch: Batch, added: Batch): Omit<Batch, 'positions' | 'media'> {
  const tokens = batch.ids.length;
  const segments = batch.segments.length;
  const responses = batch.responses.role.length;
  const { group, role, tokens: counted, weight, start, length, extras } = added.responses;
  return {
    ...batch,
    ids: joined(batch.ids, added.ids),
    segments: [
      ...batch.segments,
      ...added.segments.map(({ start, length, prefix }) => ({
        start: start + tokens,
        length,
        ...(prefix === undefined ? {} : { prefix: prefix + segments }),
      })),
    ],
    rows: joined(batch.rows, added.rows, tokens),
    targets: joined(batch.targets, added.targets),
    response: joined(batch.response, added.response, responses),
    responses: {
      group: joined(batch.responses.group, group),
      role: [...batch.responses.role, ...role],
      tokens: joined(batch.responses.tokens, counted),
      weight: Float32Array.from([...batch.responses.weight, ...weight]),
      start: joined(batch.responses.start, start, tokens),
      length: joined(batch.responses.length, length),
      extras: joinedNumbers(batch.responses.extras, extras),
    },
    tokenExtras: joinedNumbers(batch.tokenExtras, added.tokenExtras),
    tokens: batch.tokens + added.tokens,
  };
}

function joinedNumbers(
  first: Readonly<Record<string, Float32Array>>,
  second: Readonly<Record<string, Float32Array>>,
): Record<string, Float32Array> {
  return Object.fromEntries(
    Object.entries(first).map(([name, values]) => [name, Float32Array.from([...values, ...(second[name] ?? [])])]),
  );
}

/** Both, `shift` added to every number of the second. */
export function joined(first: Int32Array, second: Int32Array, shift = 0): Int32Array {
  const both = new Int32Array(first.length + second.length);
  both.set(first);
  second.forEach((value, at) => (both[first.length + at] = value + shift));
  return both;
}
