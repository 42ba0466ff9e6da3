// SPDX-License-Identifier: Apache-2.0
export { blockLayers } from './block-layers.js';
export { testData } from './test-data.js';
export { tolerances, type Tolerance } from './tolerances.js';
export { chooseLoss, describeLoss, type LossCase, type LossSuiteOptions } from './losses/describe-loss.js';
export { lossClaims, type Claim, type LossClaim } from './losses/loss-claims.js';
export { describeLossOracle } from './losses/describe-loss-oracle.js';
export { evaluateLoss, lossGradient, meanLoss, type ChosenLoss, type EvaluatedResult } from './losses/evaluate-loss.js';
export { raggedBatch, type AnswerData, type GroupData, type RaggedBatch } from './losses/ragged.js';
export { equalToReference, extremeGroups, syntheticGroups } from './losses/synthetic.js';
export * from './ops/index.js';
