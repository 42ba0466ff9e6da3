// SPDX-License-Identifier: Apache-2.0
export { training as default } from './plugin.js';
export { chosen } from './choose.js';
export * from './contracts/index.js';
export type { HealthRule, ObservedStep } from './health/health-rule.js';
export { HealthWatch } from './health/health-watch.js';
export { fromTo, lastOf, mean } from './health/series.js';
export { createTrainingHooks } from './hooks.js';
export { createLossSession } from './loss-session.js';
export * from './losses/index.js';
export { batchLogProbs, evaluationMode, type LogProbsRequest } from './objective/log-probs.js';
export { EvaluationSums } from './objective/evaluation-sums.js';
export {
  lossChoices,
  lossTermsOf,
  noLoss,
  type LossStage,
  type RunTerms,
  type StageParts,
  type TaskOfRun,
} from './objective/loss-terms.js';
export { MetricTotals } from './objective/metric-totals.js';
export {
  lossInputs,
  Objective,
  resultsOf,
  type LossPart,
  type StepUnits,
  type UnitCounts,
} from './objective/objective.js';
export { ObjectiveLoop, type LoopParts } from './objective/objective-loop.js';
export { adamw, adamwOptions, type AdamWOptions } from './optimizers/adamw.js';
export { optimizers } from './optimizers/index.js';
export { OptimizerMemory, type MemoryShapes } from './optimizers/optimizer-memory.js';
export { perParameter, type ParameterUpdate, type PerParameter } from './optimizers/per-parameter.js';
export { keepIdentity } from './policy/identity.js';
export { loadModel } from './policy/load-model.js';
export {
  availableBytes,
  checkpointingText,
  recomputesBlocks,
  trainingMemory,
} from './policy/gradient-checkpointing.js';
export { estimateMemory, type MemoryEstimate, type MemoryFacts } from './policy/memory-estimate.js';
export { keptOfPass, keptPerToken, weightBytesOf, type KeptForm } from './policy/memory.js';
export { attachAdapter, modelFolder, openPolicy, type Policy } from './policy/policy.js';
export { tempered } from './policy/tempered.js';
export { hostTensors, loadVariables } from './policy/variable-state.js';
export { checkFiles } from './policy/watch-files.js';
export { references } from './references/index.js';
export { checkReference, disposeReference, openReference } from './references/open-reference.js';
export { Feed, type RowChanges } from './rows/feed.js';
export { checkHeldOut, Rows, unhurried, type RowsRequest } from './rows/rows.js';
export { schedules } from './schedules/schedules.js';
export { clipByGlobalNorm } from './updater/clipping.js';
export { GradientAccumulator } from './updater/gradient-accumulator.js';
export { parameterSettings, type ParameterSettings } from './updater/parameter-groups.js';
export { peakLearningRate, type LearningRates } from './updater/learning-rate.js';
export { Updater, type Updated } from './updater/updater.js';
export { unreachedPeak } from './updater/warm-up.js';
