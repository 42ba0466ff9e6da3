// SPDX-License-Identifier: Apache-2.0
import { generationErrors } from './generation-errors.js';

export interface SamplingOptions {
  /** Divides the logits; 1 leaves the model's own distribution. */
  readonly temperature?: number;
  /** Only from the likeliest tokens whose probabilities first reach this share together; 1: all. */
  readonly topP?: number;
  /** Only from this many likeliest tokens; 0: all. */
  readonly topK?: number;
}

/** @throws LLMF_NN_SAMPLING */
export function checkSampling({ temperature = 1, topP = 1, topK = 0 }: SamplingOptions): void {
  const wrong = (option: string, got: number, expected: string) =>
    generationErrors.sampling({ option, got: String(got), expected });
  if (!(temperature > 0))
    throw wrong('temperature', temperature, 'a number above 0 (greedy decoding has its own option)');
  if (!(topP > 0 && topP <= 1)) throw wrong('topP', topP, 'a number above 0, at most 1');
  if (!(Number.isInteger(topK) && topK >= 0)) throw wrong('topK', topK, 'a whole number, 0 for all');
}

/** The likeliest token; of equal ones the first. */
export function likeliest(logits: Float32Array): number {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

/**
 * The token that a uniform draw in [0, 1) picks. Temperature, then top-k, then nucleus (Holtzman et al., "The curious
 * case of neural text degeneration", 2020, section 3.1): the order in which Transformers applies them.
 */
export function sample(logits: Float32Array, draw: number, options: SamplingOptions): number {
  const { temperature = 1, topP = 1, topK = 0 } = options;
  const largest = logits[likeliest(logits)]!;
  const weights = Float64Array.from(logits, (logit) => Math.exp((logit - largest) / temperature));
  const candidates = topP < 1 || topK > 0 ? shortlist(weights, topK, topP) : null;
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

/** Ids of the tokens that are left, likeliest first; of equal ones the lower id. */
function shortlist(weights: Float64Array, topK: number, topP: number): Int32Array {
  const order = Int32Array.from(weights, (_, id) => id).sort((a, b) => weights[b]! - weights[a]! || a - b);
  const first = topK > 0 ? order.subarray(0, topK) : order;
  if (topP === 1) return first;
  const total = first.reduce((sum, id) => sum + weights[id]!, 0);
  let share = 0;
  const last = first.findIndex((id) => (share += weights[id]! / total) >= topP);
  return last === -1 ? first : first.subarray(0, last + 1);
}
