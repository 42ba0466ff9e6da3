// SPDX-License-Identifier: Apache-2.0
export { Feed } from './feed.js';
export { batchLogProbs, evaluationMode, type ForwardMode } from './log-probs.js';
export { createLossSession, type LossStage } from './loss-session.js';
export { lossInputs, Objective, resultsOf, type LossPart, type UnitCounts } from './objective.js';
export { references } from './references/index.js';
export { chosen, chosenWithOptions } from './choose.js';
export { describeTrained, loadRunModel, type RunModel } from './run-model.js';
export { hostTensors, loadVariables } from './variable-state.js';
