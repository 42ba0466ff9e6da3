// SPDX-License-Identifier: Apache-2.0
import { kernels, type SampleTokensAttributes } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

export const sampleTokensKernel = defineKernel<{ readonly logits: TensorInfo }, SampleTokensAttributes>({
  kernelName: kernels.sampleTokens,
  run({ logits }, { draws, seen, banned, ...options }, backend) {
    const [rows, vocabulary] = logits.shape as [number, number];
    const ids = backend.outputIntegers([rows]);
    const logProb = backend.output([rows]);
    backend.kernels.sampleTokens({
      rows,
      vocabulary,
      ...options,
      seenCount: seen.ids.length,
      bannedCount: banned.ids.length,
      logits: backend.floats(logits),
      draws,
      seenStarts: seen.starts,
      seen: seen.ids,
      bannedStarts: banned.starts,
      banned: banned.ids,
      ids: ids.values,
      logProb: logProb.values,
    });
    return [ids.info, logProb.info];
  },
});
