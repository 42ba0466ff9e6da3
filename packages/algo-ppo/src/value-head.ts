// SPDX-License-Identifier: Apache-2.0
import type { Head } from '@llmf/nn';

/**
 * The value function: a matrix on the last hidden state, as TRL 0.9's v_head, or trlX's Linear(n, 2n), ReLU,
 * Linear(2n, 1). It begins near 0.
 */
export const valueHeadOf = (form: 'linear' | 'mlp', hiddenSize: number): Head => ({
  name: 'v_head',
  outputs: 1,
  at: 'token',
  bias: true,
  ...(form === 'mlp' ? { hidden: [2 * hiddenSize] } : {}),
});
