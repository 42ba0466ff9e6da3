// SPDX-License-Identifier: Apache-2.0
/**
 * AdamW: Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2; update order and ε as
 * torch.optim.AdamW:
 *   θ ← θ − η λ θ;  m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;
 *   θ ← θ − η / (1 − β₁ᵗ) · m / (√(v / (1 − β₂ᵗ)) + ε)
 * Difference: weight decay acts on tensors of two or more dimensions only (norms and biases have none).
 */
import type { Gradient } from '../contracts/hooks.js';
import type { StateValue } from '@llmf/core';
import type { Scalar, Tensor, Variable } from '@llmf/nn';
import { z } from 'zod';
import type { Optimizer, OptimizerSettings, OptimizerState } from '../contracts/optimizer.js';
import { adamwStep, tf } from '@llmf/nn';
import { hostTensors, loadVariables } from '../policy/variable-state.js';

export const adamwOptions = z.strictObject({
  beta1: z.number().min(0).lt(1).default(0.9).describe('Decay of the mean of gradients.'),
  beta2: z.number().min(0).lt(1).default(0.999).describe('Decay of the mean of squared gradients.'),
  epsilon: z.number().positive().default(1e-8).describe('Added to the root of the second moment.'),
});
export type AdamWOptions = z.infer<typeof adamwOptions>;

export const adamw: Optimizer = {
  name: 'adamw',
  description: 'AdamW with decoupled weight decay',
  options: adamwOptions,
  create: (variables, settings, options) => new AdamW(variables, settings, options as AdamWOptions),
};

class AdamW implements OptimizerState {
  private readonly moments = new Map<string, Variable>();
  /** Updates done, t of the formula. */
  private updates = 0;

  constructor(
    variables: ReadonlyMap<string, Variable>,
    private readonly settings: OptimizerSettings,
    private readonly options: AdamWOptions,
  ) {
    for (const [name, { shape }] of variables) {
      for (const moment of ['m', 'v'] as const) {
        const zeros: Tensor = tf.zeros([...shape]);
        this.moments.set(`${name}/${moment}`, tf.variable(zeros, false));
        zeros.dispose();
      }
    }
  }

  update(gradients: ReadonlyMap<string, Gradient>, learningRate: number, _step: number, scale?: Scalar): void {
    this.updates += 1;
    const parameters = [...gradients].map(([name, { variable, value }]) => ({
      parameter: variable,
      gradient: value,
      m: this.moments.get(`${name}/m`)!,
      v: this.moments.get(`${name}/v`)!,
      weightDecay: variable.rank >= 2 ? this.settings.weightDecay : 0,
    }));
    adamwStep(parameters, { ...this.options, learningRate, step: this.updates }, scale);
  }

  async save(): Promise<StateValue> {
    return { json: { updates: this.updates }, tensors: await hostTensors(this.moments) };
  }

  load({ json, tensors }: StateValue): void {
    this.updates = (json as { updates: number }).updates;
    loadVariables(this.moments, tensors ?? {});
  }

  dispose(): void {
    for (const moment of this.moments.values()) moment.dispose();
    this.moments.clear();
  }
}
