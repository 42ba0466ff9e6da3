// SPDX-License-Identifier: Apache-2.0
import { tf, type AttachedHead, type Guide, type Tensor2D } from '@llmf/nn';
import { qNames, targetName, valueName } from './ilql-heads.js';

/**
 * Decoding by advantage: log π(a|s) + β·(min_i Q̂_i(s, a) − V(s)), trlX's `AutoModelForCausalLMWithILQLHeads.generate`
 * (Snell et al., 2022, arXiv:2206.11871, section 4.3). Logits in the place of log π differ by a constant of the state.
 */
export const ilqlGuide: Guide = {
  name: 'ilql',
  description: 'decoding by the advantage that Q and V heads see',
  open(heads, strength) {
    const targets = qNames(true).flatMap((name) => heads.get(targetName(name)) ?? []);
    const value = heads.get(valueName);
    if (targets.length === 0 || value === undefined) return null;
    return (hidden, logits) => tf.add(logits, tf.mul(advantages(hidden, targets, value), strength)) as Tensor2D;
  },
};

/** hidden [N, C] → [N, V] */
function advantages(hidden: Tensor2D, targets: readonly AttachedHead[], value: AttachedHead): Tensor2D {
  const least = targets.map((head) => head.forward(hidden)).reduce((one, other) => tf.minimum(one, other) as Tensor2D);
  return tf.sub(least, value.forward(hidden));
}
