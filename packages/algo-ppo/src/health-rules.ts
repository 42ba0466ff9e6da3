// SPDX-License-Identifier: Apache-2.0
import {
  clipFraction,
  entropyCollapse,
  equalScores,
  klExplosion,
  lengthReward,
  missingEos,
  negativeKl,
  valueLoss,
  type HealthRule,
} from '@llmf/rollouts';

/** What is watched in every step of PPO. */
export const healthRules = ({ klTarget }: { readonly klTarget: number }): HealthRule[] => [
  klExplosion(3 * klTarget),
  negativeKl,
  clipFraction,
  valueLoss,
  lengthReward,
  missingEos,
  entropyCollapse,
  equalScores,
];
