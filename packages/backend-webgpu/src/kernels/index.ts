// SPDX-License-Identifier: Apache-2.0
import { accumulateKernels } from './accumulate/accumulate.js';
import { adamwKernels } from './adamw/adamw.js';
import { attentionKernels } from './attention/attention.js';
import type { WebGpuKernel } from './define-kernel.js';
import { embeddingKernels } from './embedding/embedding.js';
import { globalNormKernels } from './global-norm/global-norm.js';
import { layerNormKernels } from './layer-norm/layer-norm.js';
import { linearKernels } from './linear/linear.js';
import { rmsNormKernels } from './rms-norm/rms-norm.js';
import { ropeKernels } from './rope/rope.js';
import { selectedLogProbsKernels } from './selected-log-probs/selected-log-probs.js';
import { sumKernels } from './sum/sum.js';
import { swigluKernels } from './swiglu/swiglu.js';
import { writeRowsKernels } from './write-rows/write-rows.js';

export const webGpuKernels: readonly WebGpuKernel[] = [
  ...accumulateKernels,
  ...adamwKernels,
  ...attentionKernels,
  ...embeddingKernels,
  ...globalNormKernels,
  ...layerNormKernels,
  ...linearKernels,
  ...rmsNormKernels,
  ...ropeKernels,
  ...selectedLogProbsKernels,
  ...sumKernels,
  ...swigluKernels,
  ...writeRowsKernels,
];
