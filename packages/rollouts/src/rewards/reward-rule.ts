// SPDX-License-Identifier: Apache-2.0
import type { Reward, Sample, Scores } from '../contracts/reward.js';

/** A reward that needs nothing but the samples: a rule. `rewardRule('short', 'few words', (samples) => …)` */
export const rewardRule = (
  name: string,
  description: string,
  score: (samples: readonly Sample[]) => Scores | Promise<Scores>,
): Reward => ({ name, description, open: () => ({ description, score }) });
