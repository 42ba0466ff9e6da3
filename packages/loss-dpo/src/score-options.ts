// SPDX-License-Identifier: Apache-2.0
export const divergenceNames = ['reverse_kl', 'forward_kl', 'js', 'alpha'] as const;

/** Options of the loss that decide what a score is, given log-probs. */
export interface ScoreOptions {
  readonly divergence: (typeof divergenceNames)[number];
  readonly alphaCoefficient: number | null;
  readonly ldAlpha: number | null;
}
