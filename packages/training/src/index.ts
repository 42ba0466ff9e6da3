// SPDX-License-Identifier: Apache-2.0
export { training as default } from './plugin.js';
export { chosen, chosenWithOptions } from './choose.js';
export * from './contracts/index.js';
export { createTrainingHooks } from './hooks.js';
export { createLossSession, type LossStage } from './loss-session.js';
export * from './losses/index.js';
export { batchLogProbs, evaluationMode } from './objective/log-probs.js';
export { lossInputs, Objective, resultsOf, type LossPart, type UnitCounts } from './objective/objective.js';
export { adamw, adamwOptions, type AdamWOptions } from './optimizers/adamw.js';
export { describeTrained, loadRunModel, type RunModel } from './policy/run-model.js';
export { hostTensors, loadVariables } from './policy/variable-state.js';
export { references } from './references/index.js';
export { Feed } from './rows/feed.js';
export { schedules } from './schedules/schedules.js';
export { clipByGlobalNorm } from './updater/clipping.js';
export { GradientAccumulator } from './updater/gradient-accumulator.js';
