// SPDX-License-Identifier: Apache-2.0
import type { SamplingOptions } from '../../contracts/generation.js';

/** The likeliest token; of equal ones the first. */
export function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

/**
 * The token that a uniform draw in [0, 1) picks; null where the logits are not numbers. Repetition penalty, temperature,
 * top-k, nucleus (Holtzman et al., "The curious case of neural text degeneration", 2020, section 3.1), min-p: the order
 * in which Transformers applies them.
 *
 * @param seen tokens of prompt and answer, for the penalty
 */
export function sample(
  given: Float32Array,
  draw: number,
  options: SamplingOptions,
  seen: Iterable<number> = [],
): number | null {
  const { temperature = 1, topP = 1, topK = 0, minP = 0, repetitionPenalty = 1 } = options;
  const logits = repetitionPenalty === 1 ? given : penalized(given, repetitionPenalty, seen);
  const best = likeliest(logits);
  const largest = logits[best]!;
  if (!Number.isFinite(largest) || logits.some(Number.isNaN)) return null;
  if (temperature === 0) return best;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const candidates = topP < 1 || topK > 0 || minP > 0 ? shortlist(weights, topK, topP, minP) : null;
  const at = (place: number) => candidates?.[place] ?? place;
  const count = candidates?.length ?? weights.length;
  let total = 0;
  for (let place = 0; place < count; place++) total += weights[at(place)]!;
  let rest = draw * total;
  for (let place = 0; place < count - 1; place++) {
    rest -= weights[at(place)]!;
    if (rest < 0) return at(place);
  }
  return at(count - 1);
}

/** Keskar et al., "CTRL", 2019, section 4.1, as Transformers: once for each token that is there. */
function penalized(logits: Float32Array, penalty: number, seen: Iterable<number>): Float32Array {
  const changed = logits.slice();
  for (const id of new Set(seen)) changed[id] = logits[id]! < 0 ? logits[id]! * penalty : logits[id]! / penalty;
  return changed;
}

/** Ids of the tokens that are left, likeliest first; of equal ones the lower id. The likeliest has weight 1. */
function shortlist(weights: Float64Array, topK: number, topP: number, minP: number): Int32Array {
  const order = Int32Array.from(weights, (_, id) => id).sort((a, b) => weights[b]! - weights[a]! || a - b);
  const first = topK > 0 ? order.subarray(0, topK) : order;
  const nucleus = topP === 1 ? first : first.subarray(0, nucleusSize(first, weights, topP));
  return minP === 0 ? nucleus : nucleus.filter((id) => weights[id]! >= minP);
}

function nucleusSize(ids: Int32Array, weights: Float64Array, topP: number): number {
  const total = ids.reduce((sum, id) => sum + weights[id]!, 0);
  let share = 0;
  const last = ids.findIndex((id) => (share += weights[id]! / total) >= topP);
  return last === -1 ? ids.length : last + 1;
}
