// SPDX-License-Identifier: Apache-2.0
import type { Stateful } from '@llmf/core';

/** The weight of the KL penalty, β, and how it follows what was measured. */
export interface KlController extends Stateful {
  readonly coefficient: number;
  /** @param kl mean over a step's answers of their tokens' sum, in nats @param answers how many there were */
  note(kl: number, answers: number): void;
}

export interface KlControl {
  readonly controller: 'fixed' | 'adaptive';
  readonly coefficient: number;
  /** KL an answer that an adaptive controller aims at, in nats. */
  readonly target: number;
  /** Answers after which an adaptive controller may have multiplied β by e at the most, times 0.2. */
  readonly horizon: number;
}

/**
 * Fixed, or after Ziegler et al., "Fine-tuning language models from human preferences", 2019, section 2.2:
 *   e = clip(KL / target − 1, −0.2, 0.2);  β ← β (1 + e n / horizon)
 */
export function klController({ controller, coefficient, target, horizon }: KlControl): KlController {
  let beta = coefficient;
  return {
    get coefficient() {
      return beta;
    },
    note(kl, answers) {
      if (controller === 'fixed') return;
      const error = Math.min(0.2, Math.max(-0.2, kl / target - 1));
      beta *= 1 + (error * answers) / horizon;
    },
    save: () => ({ json: { beta } }),
    load: ({ json }) => {
      beta = (json as { beta: number }).beta;
    },
  };
}
