// SPDX-License-Identifier: Apache-2.0
export { imitatedLogProbs, imitatedRoles } from './imitated.js';
export { metricMean, preferenceMetrics } from './metrics.js';
export { pairs, type ChosenRejected, type PairLayout, type PairLogProbs, type Pairs } from './pairs.js';
export { pick } from './pick.js';
export { sortAscending } from './sort-ascending.js';
export { boundedExp, boundedExpm1, log1mExp, logSigmoid, stopGradient } from './stable-maths.js';
export { unitWeights } from './unit-weights.js';
export { unitRows } from './unit-rows.js';
