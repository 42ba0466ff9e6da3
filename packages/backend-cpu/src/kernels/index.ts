// SPDX-License-Identifier: Apache-2.0
import { writeRowsKernel } from './write-rows/write-rows.js';
import { accumulateKernel } from './accumulate/accumulate.js';
import { accumulateRowsKernel } from './accumulate-rows/accumulate-rows.js';
import { adamwKernel } from './adamw/adamw.js';
import { attentionKernel } from './attention/attention.js';
import { attentionGradientKernel } from './attention-gradient/attention-gradient.js';
import { binaryKernels } from './binary/binary.js';
import { castKernel } from './cast/cast.js';
import { combineExpertsKernels } from './combine-experts/combine-experts.js';
import type { NativeKernel } from './define-kernel.js';
import { embeddingKernels } from './embedding/embedding.js';
import { fillKernels } from './fill/fill.js';
import { gatherKernels } from './gather/gather.js';
import { geluKernels } from './gelu/gelu.js';
import { globalNormKernel } from './global-norm/global-norm.js';
import { groupedLinearKernels } from './grouped-linear/grouped-linear.js';
import { layerNormKernels } from './layer-norm/layer-norm.js';
import { linearKernels } from './linear/linear.js';
import { matMulKernels } from './mat-mul/mat-mul.js';
import { reduceKernels } from './reduce/reduce.js';
import { rmsNormKernels } from './rms-norm/rms-norm.js';
import { ropeKernel } from './rope/rope.js';
import { routeTokensKernel } from './route-tokens/route-tokens.js';
import { sampleTokensKernel } from './sample-tokens/sample-tokens.js';
import { segmentSumKernel } from './segment-sum/segment-sum.js';
import { selectedLogProbsKernel } from './selected-log-probs/selected-log-probs.js';
import { selectedLogProbsGradientKernel } from './selected-log-probs-gradient/selected-log-probs-gradient.js';
import { selectedLogProbsSlopeKernel } from './selected-log-probs-slope/selected-log-probs-slope.js';
import { softmaxKernels } from './softmax/softmax.js';
import { concatKernels } from './strided-copy/concat.js';
import { sliceKernels } from './strided-copy/slice.js';
import { transposeKernel } from './strided-copy/transpose.js';
import { swigluKernels } from './swiglu/swiglu.js';
import { unaryKernels } from './unary/unary.js';

/** What is computed natively besides ops: see Quantizer of nn. */
export { expandDynamic, packDynamic } from './dynamic-codes/dynamic-codes.js';
export { roundWeight } from './pack-weight/pack-weight.js';

/** Every op computed natively; a test compares the list with the folders. */
export const nativeKernels: readonly NativeKernel[] = [
  accumulateKernel,
  accumulateRowsKernel,
  writeRowsKernel,
  adamwKernel,
  attentionKernel,
  attentionGradientKernel,
  ...binaryKernels,
  castKernel,
  ...combineExpertsKernels,
  ...embeddingKernels,
  ...fillKernels,
  ...gatherKernels,
  ...geluKernels,
  globalNormKernel,
  ...groupedLinearKernels,
  ...layerNormKernels,
  ...linearKernels,
  ...matMulKernels,
  ...reduceKernels,
  ...rmsNormKernels,
  ropeKernel,
  routeTokensKernel,
  sampleTokensKernel,
  segmentSumKernel,
  selectedLogProbsKernel,
  selectedLogProbsGradientKernel,
  selectedLogProbsSlopeKernel,
  ...softmaxKernels,
  ...concatKernels,
  ...sliceKernels,
  transposeKernel,
  ...swigluKernels,
  ...unaryKernels,
];
