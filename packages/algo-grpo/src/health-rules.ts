// SPDX-License-Identifier: Apache-2.0
import {
  clipFraction,
  entropyCollapse,
  klExplosion,
  lengthReward,
  missingEos,
  negativeKl,
  type HealthRule,
} from '@llmf/rollouts';

/** Nats an answer from which on KL is warned of: three times PPO's usual target. */
const klLimit = 18;

/** Most groups have nothing to tell. */
export const equalGroups: HealthRule = {
  name: 'equal-groups',
  see(steps) {
    const shares = steps.slice(-3).flatMap(({ metrics }) => metrics['frac_reward_zero_std'] ?? []);
    if (shares.length < 3 || shares.some((share) => share <= 0.7)) return null;
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    return `in ${Math.round(100 * mean)} % of the groups all answers got the same score, so nothing is learned from them: draw more answers, choose prompts that are neither too easy nor too hard, or let the reward grade`;
  },
};

/** What is watched in every step of GRPO. */
export const healthRules: readonly HealthRule[] = [
  klExplosion(klLimit),
  negativeKl,
  clipFraction,
  lengthReward,
  missingEos,
  entropyCollapse,
  equalGroups,
];
