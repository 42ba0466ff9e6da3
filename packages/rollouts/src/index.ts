// SPDX-License-Identifier: Apache-2.0
export { rollouts as default } from './plugin.js';
export { generalizedAdvantages, type Estimates } from './advantages/gae.js';
export { tokenRewards, type TokenRewardInputs } from './advantages/token-rewards.js';
export { whiten } from './advantages/whiten.js';
export { AnswerWriter, type Answer, type WriteRequest } from './answers/answer-writer.js';
export { answeredRow, type TokenNumbers } from './answers/answered-row.js';
export { assess, type Assessed, type Assessors } from './answers/assess.js';
export { total as totalScore } from './answers/completions-log.js';
export { heldOutMetrics, policyMetrics } from './answers/held-out.js';
export { Rollouts, type RolloutRequest } from './answers/rollouts.js';
export { samplingDifference } from './answers/sampling-difference.js';
export {
  objectiveTemperature,
  objectiveTemperatureShape,
  samplingShape,
  type SamplingOptions,
} from './answers/sampling-options.js';
export { type ScoredAnswer } from './answers/scored-answer.js';
export * from './contracts/index.js';
export { answerFacts, type AnswerFacts, type HealthRule, type StepFacts } from './health/health-rule.js';
export * from './health/rules.js';
export { klController, type KlControl, type KlController } from './kl/controllers.js';
export { klEstimators, klOfTokens, type KlEstimator } from './kl/estimators.js';
export { stepResult } from './learning/step-result.js';
export { learn, type Learned, type Learner, type LearningPlan } from './learning/learn.js';
export { miniBatches } from './learning/mini-batches.js';
export { noReward } from './reward-slot.js';
export { rewardRule } from './rewards/reward-rule.js';
export { Rewards, type SampleReward } from './rewards/rewards.js';
export { rolloutsErrors } from './rollouts-errors.js';
export { momentsOf, RunningMoments, type Moments } from './scores/running-moments.js';
export { scoreShape, shapedScores, type ScoreShaping } from './scores/score-shaping.js';
