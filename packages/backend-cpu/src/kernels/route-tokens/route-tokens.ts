// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

export const routeTokensKernel = defineKernel<{ readonly probabilities: TensorInfo }, { readonly perToken: number }>({
  kernelName: kernels.routeTokens,
  run({ probabilities }, { perToken }, backend) {
    const [tokens, experts] = probabilities.shape as [number, number];
    const slots = () => backend.outputIntegers([tokens * perToken]);
    const [chosen, cells, places, rows] = [slots(), slots(), slots(), slots()];
    const starts = backend.outputIntegers([experts + 1]);
    backend.kernels.routeTokens({
      tokens,
      experts,
      perToken,
      probabilities: backend.floats(probabilities),
      chosen: chosen.values,
      cells: cells.values,
      places: places.values,
      rows: rows.values,
      starts: starts.values,
    });
    return [chosen, cells, places, rows, starts].map(({ info }) => info);
  },
});
