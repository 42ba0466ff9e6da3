// SPDX-License-Identifier: Apache-2.0
export { accumulate } from './accumulate/accumulate.js';
export { adamwStep } from './adamw/adamw.js';
export type { AdamWAttributes, AdamWParameter } from './adamw/composite.js';
export { attention, type AttentionBias, type AttentionOptions } from './attention/attention.js';
export { spansAcross, spansOf } from './attention/spans.js';
export type { Ints } from './checks.js';
export { combineExperts } from './combine-experts/combine-experts.js';
export { defineKernel, type Kernel } from './define-kernel.js';
export { defineOp, type GradientCall, type OpDefinition } from './define-op.js';
export { embedding } from './embedding/embedding.js';
export { gelu } from './gelu/gelu.js';
export type { GeluForm } from './gelu/composite.js';
export { globalNorm } from './global-norm/global-norm.js';
export { groupedLinear, type GroupedLinearOptions } from './grouped-linear/grouped-linear.js';
export { isInHostMemory, valuesOf } from './host-memory.js';
export { layerNorm } from './layer-norm/layer-norm.js';
export { dropped, linear, type DropoutKey, type LinearOptions } from './linear/linear.js';
export { rmsNorm } from './rms-norm/rms-norm.js';
export { rope } from './rope/rope.js';
export {
  ropeFrequencies,
  ropeTables,
  ropeTensors,
  ropeValues,
  type RopeOptions,
  type RopeTables,
  type RopeValues,
} from './rope/rope-tables.js';
export type { RopeScaling } from './rope/rope-scaling.js';
export { routeTokens, type Routes } from './route-tokens/route-tokens.js';
export { sampleTokens, type SampledTokens, type SampleTokensOptions } from './sample-tokens/sample-tokens.js';
export { segmentSum } from './segment-sum/segment-sum.js';
export {
  selectedLogProbs,
  type SelectedLogProbs,
  type SelectedLogProbsOptions,
} from './selected-log-probs/selected-log-probs.js';
export { swiglu } from './swiglu/swiglu.js';
export { writeRows } from './write-rows/write-rows.js';
