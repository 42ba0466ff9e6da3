// SPDX-License-Identifier: Apache-2.0
import type { SampleReward } from '../rewards/rewards.js';
import type { Answer } from './answer-writer.js';

/** An answer with what the rewards say of it. */
export interface ScoredAnswer extends Answer {
  readonly reward: SampleReward;
}
