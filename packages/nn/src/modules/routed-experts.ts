// SPDX-License-Identifier: Apache-2.0
/**
 * Mixtures of experts: a router gives each token a probability for every expert, the likeliest k compute it, and their
 * outputs are added by those probabilities (Shazeer et al., 2017, arXiv 1701.06538; Fedus et al., 2021, arXiv 2101.03961).
 * Only the chosen experts run, each once over all of its tokens.
 */
import type { ForwardContext } from '../contracts/model.js';
import { bySegment } from '../layers/by-segment.js';
import type { Linear } from '../layers/linear.js';
import { embedding } from '../ops/embedding/embedding.js';
import { tf } from '../tf.js';

/** [tokens, C] → [tokens, C] */
export interface Expert {
  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D;
}

export interface RoutingOptions {
  /** k, the experts that compute a token. */
  readonly perToken: number;
  /** The chosen probabilities are divided by their sum. */
  readonly isNormalised: boolean;
}

/** Tokens [T, C] through a router and the experts that it chooses for each. */
export class RoutedExperts {
  /** @param gate the router, [experts, C] */
  constructor(
    private readonly gate: Linear,
    private readonly experts: readonly Expert[],
    private readonly options: RoutingOptions,
  ) {}

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    if (context.adapter?.ofSegments !== undefined) return bySegment(x, context, (rows, own) => this.forward(rows, own)); // experts see rows in another order
    const { perToken } = this.options;
    const [tokens, size] = x.shape;
    const probabilities = tf.softmax(this.gate.forward(x, context)) as tf.Tensor2D; // [T, E]
    const chosen = likeliest(probabilities.dataSync() as Float32Array, this.experts.length, perToken); // [T · k]
    context.routed?.(probabilities, chosen);
    const places = slotsByExpert(chosen, this.experts.length);
    const outputs = this.experts.flatMap((expert, number) => {
      const slots = places[number]!;
      if (slots.length === 0) return [];
      const rows = Int32Array.from(slots, (slot) => Math.floor(slot / perToken));
      return [expert.forward(embedding(rows, x), context)];
    });
    const inSlots = embedding(inverseOf(places.flat()), tf.concat(outputs)); // [T · k, C]
    const weighted: tf.Tensor2D = tf.mul(inSlots, this.weights(probabilities, chosen));
    return tf.sum(tf.reshape(weighted, [tokens, perToken, size]), 1);
  }

  /** The probabilities of the chosen, [T · k, 1]. */
  private weights(probabilities: tf.Tensor2D, chosen: Int32Array): tf.Tensor2D {
    const { perToken, isNormalised } = this.options;
    const experts = this.experts.length;
    const cells = chosen.map((expert, slot) => Math.floor(slot / perToken) * experts + expert);
    const taken = embedding(cells, tf.reshape(probabilities, [probabilities.size, 1])); // [T · k, 1]
    if (!isNormalised) return taken;
    const byToken = tf.reshape(taken, [taken.size / perToken, perToken]); // [T, k]
    return tf.reshape(tf.div(byToken, tf.sum(byToken, 1, true)), [taken.size, 1]);
  }
}

/** The k likeliest experts of each token, the likeliest first, of equal ones the first: [T · k]. */
function likeliest(probabilities: Float32Array, experts: number, perToken: number): Int32Array {
  const chosen = new Int32Array((probabilities.length / experts) * perToken);
  for (let token = 0; token * experts < probabilities.length; token++) {
    const row = probabilities.subarray(token * experts, (token + 1) * experts);
    const order = Array.from(row.keys()).sort((one, other) => row[other]! - row[one]! || one - other);
    chosen.set(order.slice(0, perToken), token * perToken);
  }
  return chosen;
}

/** For each expert the slots (token · k + choice) in which it was chosen. */
function slotsByExpert(chosen: Int32Array, experts: number): number[][] {
  const slots: number[][] = Array.from({ length: experts }, () => []);
  chosen.forEach((expert, slot) => slots[expert]!.push(slot));
  return slots;
}

/** Where each number of an order stands. */
function inverseOf(order: readonly number[]): Int32Array {
  const inverse = new Int32Array(order.length);
  order.forEach((number, place) => (inverse[number] = place));
  return inverse;
}
