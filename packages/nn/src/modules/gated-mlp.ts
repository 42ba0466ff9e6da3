// SPDX-License-Identifier: Apache-2.0
import type { ForwardContext } from '../contracts/model.js';
import type { Linear } from '../layers/linear.js';
import type { tf } from '../tf.js';
import type { GatedActivation } from './activation.js';
import type { ModelParts } from './model-parts.js';

/** down(act(gate(x)) ∘ up(x)): the MLP of Llama and its relatives. */
export class GatedMlp {
  readonly gate_proj: Linear;
  readonly up_proj: Linear;
  readonly down_proj: Linear;

  /** @param hidden C @param inner F */
  constructor(
    parts: ModelParts,
    [hidden, inner]: readonly [number, number],
    hasBias: boolean,
    private readonly gated: GatedActivation,
  ) {
    this.gate_proj = parts.linear('gate_proj', [inner, hidden], hasBias);
    this.up_proj = parts.linear('up_proj', [inner, hidden], hasBias);
    this.down_proj = parts.linear('down_proj', [hidden, inner], hasBias);
  }

  forward(x: tf.Tensor2D, context: ForwardContext): tf.Tensor2D {
    const gate = this.gate_proj.forward(x, context); // [T, F]
    const up = this.up_proj.forward(x, context); // [T, F]
    return this.down_proj.forward(this.gated(gate, up), context); // [T, C]
  }
}
