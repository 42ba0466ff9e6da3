// SPDX-License-Identifier: Apache-2.0
/** Advantages and returns of an answer's tokens. */
export interface Estimates {
  readonly advantages: Float64Array;
  /** What the value function is to learn: advantage + value. */
  readonly returns: Float64Array;
}

/**
 * Generalized advantage estimation; Schulman et al., 2016 (arXiv:1506.02438), equation 16:
 *   δ_t = r_t + γ V_{t+1} − V_t;  A_t = δ_t + γ λ A_{t+1};  the state behind the last token has value 0
 */
export function generalizedAdvantages(
  rewards: ArrayLike<number>,
  values: ArrayLike<number>,
  { gamma, lambda }: { readonly gamma: number; readonly lambda: number },
): Estimates {
  const advantages = new Float64Array(rewards.length);
  let next = 0;
  for (let at = rewards.length - 1; at >= 0; at--) {
    const delta = rewards[at]! + gamma * (values[at + 1] ?? 0) - values[at]!;
    next = delta + gamma * lambda * next;
    advantages[at] = next;
  }
  return { advantages, returns: advantages.map((advantage, at) => advantage + values[at]!) };
}
