// SPDX-License-Identifier: Apache-2.0
export { ashaDecision, type AshaOptions, type Decision } from './asha.js';
export type { Choices, Distribution, FloatRange, IntRange, Scalar } from './distribution.js';
export { Draws } from './draws.js';
export { importances } from './importance.js';
export { JournalWriter, studyOf, type Line, type Study } from './journal.js';
export {
  combinations,
  gridSampler,
  randomSampler,
  withGrid,
  type Asked,
  type Params,
  type Sampler,
} from './sampler.js';
export { spaceOf, strategyNames, type Space } from './strategies.js';
export { tpeDefaults, tpeSampler, type TpeOptions } from './tpe/tpe.js';
export { bestOf, better, type Direction, type Trial, type TrialState } from './trial.js';
