// SPDX-License-Identifier: Apache-2.0
import { sortAscending } from '@llmf/training';
import { tf } from '@llmf/nn';
import { smoothedLogistic } from './difference.js';
import type { Variant } from './variant.js';

/** Optimal transport in one dimension: compares sorted values, so each item depends on the whole batch. */
const onSorted = { divergence: false, coupling: 'batch', smoothing: true } as const;

/**
 * Logistic loss of β·(sort(log π(y_w)/π(y_l)) − sort(log π_ref(y_w)/π_ref(y_l))): the policy's preference should dominate
 * the reference's. Melnyk et al., "Distributional preference alignment" (AOT), arXiv:2406.05882, paired form.
 */
export const aot: Variant = {
  ...onSorted,
  loss: ({ policy, reference }, { beta, labelSmoothing }) => {
    const ours = sortAscending(tf.sub(policy.chosen, policy.rejected));
    const theirs = sortAscending(tf.sub(reference.chosen, reference.rejected));
    return smoothedLogistic(tf.mul(tf.sub(ours, theirs), beta), labelSmoothing);
  },
  atReference: () => Math.LN2,
};

/** Logistic loss of β·(sort(ℓ_w) − sort(ℓ_l)): the ratios of chosen answers dominate those of rejected ones. Unpaired form. */
export const aotUnpaired: Variant = {
  ...onSorted,
  loss: ({ ratio }, { beta, labelSmoothing }) => {
    const difference = tf.sub(sortAscending(ratio.chosen), sortAscending(ratio.rejected));
    return smoothedLogistic(tf.mul(difference, beta), labelSmoothing);
  },
  atReference: () => Math.LN2,
};
