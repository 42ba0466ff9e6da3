// SPDX-License-Identifier: Apache-2.0
import {
  entropyCollapse,
  equalScores,
  klExplosion,
  lengthReward,
  missingEos,
  negativeKl,
  type HealthRule,
} from '@llmf/rollouts';

/** Nats an answer from which on KL is warned of: three times PPO's usual target. */
const klLimit = 18;

/** What is watched in every step of online DPO. */
export const healthRules: readonly HealthRule[] = [
  klExplosion(klLimit),
  negativeKl,
  lengthReward,
  missingEos,
  entropyCollapse,
  equalScores,
];
