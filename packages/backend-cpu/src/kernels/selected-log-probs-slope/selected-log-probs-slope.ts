// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface Inputs {
  readonly hidden: TensorInfo; // [T, C]
  readonly head: TensorInfo; // [V, C]
  readonly bias?: TensorInfo; // [V]
  readonly rows: TensorInfo; // [S] int32
  readonly targets: TensorInfo; // [S] int32
}
interface Attributes {
  readonly temperature: number;
}

export const selectedLogProbsSlopeKernel = defineKernel<Inputs, Attributes>({
  kernelName: kernels.selectedLogProbsSlope,
  run({ hidden, head, bias, rows, targets }, { temperature }, backend) {
    const [tokens, columns] = hidden.shape as [number, number];
    const selected = rows.shape[0]!;
    const [logProb, slope] = [backend.output([selected]), backend.output([selected, columns])];
    backend.kernels['selected_log_probs_slope']!(
      tokens,
      columns,
      head.shape[0]!,
      selected,
      temperature,
      backend.floats(hidden),
      backend.weight(head),
      backend.optionalFloats(bias),
      backend.integers(rows),
      backend.integers(targets),
      logProb.values,
      slope.values,
      backend.roundsProducts,
    );
    return [logProb.info, slope.info];
  },
});
