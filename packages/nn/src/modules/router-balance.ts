// SPDX-License-Identifier: Apache-2.0
/**
 * The loss that keeps experts equally busy: Fedus et al., "Switch transformers", 2021 (arXiv 2101.03961), equations 4 to 6,
 * E Σ_e f_e P_e with f_e the share of tokens that expert e was chosen for and P_e its mean probability, both over the tokens
 * of all layers together. As Transformers 5.18 computes it (load_balancing_loss_func of modeling_mixtral.py).
 */
import type { ForwardContext } from '../contracts/model.js';
import { tf } from '../tf.js';

export interface RouterBalanceOptions {
  /** `output_router_logits`: is the loss computed? */
  readonly output_router_logits: boolean;
  /** Its weight in the objective. */
  readonly router_aux_loss_coef: number;
}

/** Collects what the routers of one pass choose. */
export class RouterBalance {
  /** Of the pass: routers tell it what they chose. Without a loss the context as it came. */
  readonly context: ForwardContext;
  private readonly sums: tf.Tensor1D[] = []; // [E] each: probabilities of a layer's tokens
  private readonly counts: tf.Tensor1D[] = []; // [E] each: how often its experts were chosen
  private rows = 0;

  constructor(
    private readonly given: ForwardContext,
    private readonly options: RouterBalanceOptions,
  ) {
    const isWanted = options.output_router_logits && given.auxiliary !== undefined;
    // What is collected within a block has no gradient where the block is computed again: such blocks are kept.
    const collecting = { gradientCheckpointing: false, routed: this.add.bind(this) };
    this.context = isWanted ? { ...given, ...collecting } : given;
  }

  /** Gives the loss to the objective, times the tokens of the pass, over which it is averaged. */
  report(tokens: number): void {
    if (this.sums.length === 0) return;
    const sum = tf.tidy(() => {
      const shares = tf.div(tf.addN(this.counts), this.rows); // f
      const means = tf.div(tf.addN(this.sums), this.rows) as tf.Tensor1D; // P
      const factor = this.options.router_aux_loss_coef * shares.size * tokens;
      return tf.mul(tf.sum(tf.mul(shares, means)), factor) as tf.Scalar;
    });
    tf.dispose([...this.sums, ...this.counts]);
    this.given.auxiliary!('aux_loss', sum);
  }

  /** @param probabilities [T, E] @param chosen [T · k] */
  private add(probabilities: tf.Tensor2D, chosen: tf.Tensor1D): void {
    const isChosen = tf.tidy(() => tf.sum(tf.cast(tf.oneHot(chosen, probabilities.shape[1]), 'float32'), 0));
    this.counts.push(tf.keep(isChosen) as tf.Tensor1D);
    this.rows += probabilities.shape[0];
    this.sums.push(tf.keep(tf.sum(probabilities, 0)) as tf.Tensor1D);
  }
}
