// SPDX-License-Identifier: Apache-2.0
/**
 * AdamW: Loshchilov & Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2; update order and ε as
 * torch.optim.AdamW:
 *   θ ← θ − η λ θ;  m ← β₁ m + (1 − β₁) g;  v ← β₂ v + (1 − β₂) g²;
 *   θ ← θ − η / (1 − β₁ᵗ) · m / (√(v / (1 − β₂ᵗ)) + ε)
 */
import { adamwStep, type Scalar, type Variable } from '@llmf/nn';
import { z } from 'zod';
import type { Gradient } from '../contracts/hooks.js';
import type { Optimizer, OptimizerState } from '../contracts/optimizer.js';
import { OptimizerMemory } from './optimizer-memory.js';

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
  bytesPerWeight: () => 8,
  create: (variables, options) => new AdamW(variables, options as AdamWOptions),
};

class AdamW implements OptimizerState {
  private readonly memory: OptimizerMemory;

  constructor(
    variables: ReadonlyMap<string, Variable>,
    private readonly options: AdamWOptions,
  ) {
    this.memory = new OptimizerMemory(variables, (shape) => ({ m: shape, v: shape }));
  }

  /** All parameters of one rate in one call of the kernel. */
  update(gradients: ReadonlyMap<string, Gradient>, learningRate: number, _step: number, scale?: Scalar): void {
    this.memory.updates += 1;
    for (const rate of new Set([...gradients.values()].map((gradient) => gradient.rate))) {
      const parameters = [...gradients]
        .filter(([, gradient]) => gradient.rate === rate)
        .map(([name, { variable, value, weightDecay }]) => ({
          parameter: variable,
          gradient: value,
          m: this.memory.of(name, 'm'),
          v: this.memory.of(name, 'v'),
          weightDecay,
        }));
      adamwStep(parameters, { ...this.options, learningRate: learningRate * rate, step: this.memory.updates }, scale);
    }
  }

  save = () => this.memory.save();
  stream = () => this.memory.stream();
  load: OptimizerState['load'] = (value) => this.memory.load(value);
  dispose = () => this.memory.dispose();
}
