// SPDX-License-Identifier: Apache-2.0
export { isLessBetter } from './best-metric.js';
export { beforeChange } from './before-change.js';
export { CheckpointStore, type Checkpoint } from './checkpoints.js';
export { MetricsLog } from './metrics-log.js';
export { runTraining, stepCount, type RunTrainingOptions } from './run-training.js';
export type { TrainingOutcome } from './training-outcome.js';
export { changedKeys } from './resume-check.js';
export { checkOutputFolder, refuseWeights } from './output-folder.js';
export { runErrors } from './run-errors.js';
export { Stopped, throwIfStopped } from './stopped.js';
export { startBackend, type BackendStart } from './start-backend.js';
export { TrainingRun } from './training-run.js';
export { defineTracker, namedAsTransformers, type TrackedOutcome, type Tracker, type TrackerFacts } from './tracker.js';
export { checkEvaluated, unevaluated } from './unevaluated.js';
