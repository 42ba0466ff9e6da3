// SPDX-License-Identifier: Apache-2.0
/**
 * Estimates of KL(π ‖ π_ref) at a token drawn from π; Schulman, "Approximating KL divergence", 2020:
 *   k1 = log π − log π_ref: unbiased, of either sign
 *   k3 = e^(−k1) − 1 + k1: unbiased, never negative, of less variance
 */
export const klEstimators = ['k1', 'k3'] as const;
export type KlEstimator = (typeof klEstimators)[number];

export function klOfTokens(logProbs: Float32Array, reference: Float32Array, estimator: KlEstimator): Float64Array {
  return Float64Array.from(logProbs, (logProb, at) => {
    const k1 = logProb - reference[at]!;
    return estimator === 'k1' ? k1 : Math.expm1(-k1) + k1;
  });
}
