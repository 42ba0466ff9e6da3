// SPDX-License-Identifier: Apache-2.0
export interface TokenRewardInputs {
  /** KL estimate of each token. */
  readonly kl: ArrayLike<number>;
  /** Score of the whole answer; null: rewards score tokens alone. */
  readonly score: number | null;
  /** Scores of the tokens. */
  readonly tokens: ArrayLike<number> | null;
  /** β */
  readonly coefficient: number;
}

/**
 * Rewards of an answer's tokens: r_t = −β KL_t + tokens_t, with the answer's score on its last token. (TRL's PPO puts the
 * score one place behind the end token where the batch has room; here it is the last token's, as in trlX.)
 */
export function tokenRewards({ kl, score, tokens, coefficient }: TokenRewardInputs): Float64Array {
  const rewards = Float64Array.from(kl, (each, at) => (tokens?.[at] ?? 0) - coefficient * each);
  rewards[rewards.length - 1]! += score ?? 0;
  return rewards;
}
