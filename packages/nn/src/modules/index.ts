// SPDX-License-Identifier: Apache-2.0
/** The kit that architectures are built from. */
export { activation, gatedActivation, type GatedActivation } from './activation.js';
export { alibi, alibiSlopes, type AlibiOptions } from './alibi.js';
export { architectureErrors } from './architecture-errors.js';
export { causalArchitecture, encoderArchitecture, type CausalFamily, type CausalTree } from './causal-architecture.js';
export { CausalModel, type CausalModelFacts, type Decoder } from './causal-model.js';
export { DecoderPass, joinHeads, splitHeads, type PassFacts } from './decoder-pass.js';
export { GatedMlp } from './gated-mlp.js';
export { headCounts, type HeadCounts } from './head-counts.js';
export { layerWindows, windowKeys, windowsByType } from './layer-windows.js';
export { ModelParts } from './model-parts.js';
export { OffsetRmsNorm } from './offset-rms-norm.js';
export { headInputs, type HeadInputs } from './read-head.js';
export { embedded, headOf } from './replaced-modules.js';
export { configRemarks, readConfig } from './read-config.js';
export { distanceBucket, RelativeBias, type BucketOptions } from './relative-bias.js';
export { ropeKeys, ropeOptions } from './rope.js';
export { RouterBalance, type RouterBalanceOptions } from './router-balance.js';
export { RoutedExperts, type RoutingOptions } from './routed-experts.js';
export { runBlocks, type Block } from './run-blocks.js';
export { TwoStreams } from './two-streams.js';
export { shapeOnly, WeightRecorder } from './weight-recorder.js';
