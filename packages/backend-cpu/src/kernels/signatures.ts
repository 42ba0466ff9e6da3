// SPDX-License-Identifier: Apache-2.0
import { accumulateSignatures } from './accumulate/signature.js';
import { accumulateRowsSignatures } from './accumulate-rows/signature.js';
import { adamwSignatures } from './adamw/signature.js';
import { attentionSignatures } from './attention/signature.js';
import { attentionGradientSignatures } from './attention-gradient/signature.js';
import { binarySignatures } from './binary/signature.js';
import { castSignatures } from './cast/signature.js';
import { combineExpertsSignatures } from './combine-experts/signature.js';
import { dynamicCodesSignatures } from './dynamic-codes/signature.js';
import { embeddingSignatures } from './embedding/signature.js';
import { fillSignatures } from './fill/signature.js';
import { gatherSignatures } from './gather/signature.js';
import { geluSignatures } from './gelu/signature.js';
import { groupedLinearSignatures } from './grouped-linear/signature.js';
import { layerNormSignatures } from './layer-norm/signature.js';
import { linearSignatures } from './linear/signature.js';
import { matMulSignatures } from './mat-mul/signature.js';
import { packWeightSignatures } from './pack-weight/signature.js';
import { reduceSignatures } from './reduce/signature.js';
import { rmsNormSignatures } from './rms-norm/signature.js';
import { ropeSignatures } from './rope/signature.js';
import { routeTokensSignatures } from './route-tokens/signature.js';
import { sampleTokensSignatures } from './sample-tokens/signature.js';
import { segmentSumSignatures } from './segment-sum/signature.js';
import { selectedLogProbsSignatures } from './selected-log-probs/signature.js';
import { selectedLogProbsGradientSignatures } from './selected-log-probs-gradient/signature.js';
import { selectedLogProbsSlopeSignatures } from './selected-log-probs-slope/signature.js';
import type { ArgumentsOf, Signatures } from './signature.js';
import { softmaxSignatures } from './softmax/signature.js';
import { stridedCopySignatures } from './strided-copy/signature.js';
import { swigluSignatures } from './swiglu/signature.js';
import { unarySignatures } from './unary/signature.js';

/** Every native kernel by its name; a test compares the list with the folders. */
export const signatures = {
  ...accumulateSignatures,
  ...accumulateRowsSignatures,
  ...adamwSignatures,
  ...attentionSignatures,
  ...attentionGradientSignatures,
  ...binarySignatures,
  ...castSignatures,
  ...combineExpertsSignatures,
  ...dynamicCodesSignatures,
  ...embeddingSignatures,
  ...fillSignatures,
  ...gatherSignatures,
  ...geluSignatures,
  ...groupedLinearSignatures,
  ...layerNormSignatures,
  ...linearSignatures,
  ...matMulSignatures,
  ...packWeightSignatures,
  ...reduceSignatures,
  ...rmsNormSignatures,
  ...ropeSignatures,
  ...routeTokensSignatures,
  ...sampleTokensSignatures,
  ...segmentSumSignatures,
  ...selectedLogProbsSignatures,
  ...selectedLogProbsGradientSignatures,
  ...selectedLogProbsSlopeSignatures,
  ...softmaxSignatures,
  ...stridedCopySignatures,
  ...swigluSignatures,
  ...unarySignatures,
} satisfies Signatures;

/** The native kernels as TypeScript calls them. */
export type NativeCalls = {
  readonly [Name in keyof typeof signatures]: (values: ArgumentsOf<(typeof signatures)[Name]>) => void;
};
