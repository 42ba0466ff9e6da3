// SPDX-License-Identifier: Apache-2.0
export { rollouts as default } from './plugin.js';
export * from './contracts/index.js';
export { AnswerWriter, type Answer, type WriteRequest } from './answers/answer-writer.js';
export { answeredRow, type TokenNumbers } from './answers/answered-row.js';
export { samplingShape, type SamplingOptions } from './answers/sampling-options.js';
export { noReward } from './reward-slot.js';
export { rewardRule } from './rewards/reward-rule.js';
export { Rewards, type SampleReward } from './rewards/rewards.js';
export { rolloutsErrors } from './rollouts-errors.js';
