// SPDX-License-Identifier: Apache-2.0
import { boundedExp, boundedExpm1, logSigmoid } from '@llmf/training';
import { tf, type Tensor1D } from '@llmf/nn';
import type { ScoreOptions } from './score-options.js';

const defaultAlpha = 0.5;

/**
 * f′(π / π_ref), the score of an answer in f-DPO: Wang et al., "Beyond Reverse KL", arXiv:2309.16240, table 1.
 *
 * | divergence | f′(t), t = e^ℓ             | as a function of ℓ        |
 * | reverse_kl | log t (+ 1)                | ℓ                         |
 * | forward_kl | 1 − 1/t                    | 1 − e^−ℓ                  |
 * | js         | log(2t / (1 + t))          | log 2 + log σ(ℓ)          |
 * | alpha      | (t^(α−1) − 1) / (α − 1)    | (e^((α−1)ℓ) − 1) / (α − 1); α → 1: ℓ |
 *
 * Constants are TRL 1.13's: each score is 0 at ℓ = 0. Difference from TRL: exponents stop at 40 everywhere, where TRL
 * stops at 80 for alpha (which float32 squares overflow) and nowhere for forward_kl.
 *
 * @param ratio [pairs] ℓ in nats
 */
export function divergenceScore(
  ratio: Tensor1D,
  { divergence, alphaCoefficient }: Pick<ScoreOptions, 'divergence' | 'alphaCoefficient'>,
): Tensor1D {
  switch (divergence) {
    case 'reverse_kl':
      return ratio;
    case 'forward_kl':
      return tf.sub(1, boundedExp(tf.neg(ratio)));
    case 'js':
      return tf.add(logSigmoid(ratio), Math.LN2);
    case 'alpha':
      return alphaScore(ratio, (alphaCoefficient ?? defaultAlpha) - 1);
  }
}

function alphaScore(ratio: Tensor1D, power: number): Tensor1D {
  if (Math.abs(power) < 1e-6) return ratio;
  return tf.div(boundedExpm1(tf.mul(ratio, power)), power);
}
