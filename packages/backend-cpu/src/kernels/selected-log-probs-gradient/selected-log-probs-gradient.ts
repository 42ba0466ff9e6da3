// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';

interface Inputs {
  readonly dLogProb?: TensorInfo; // [S]
  readonly dEntropy?: TensorInfo; // [S]
  readonly dSquared?: TensorInfo; // [S]
  readonly hidden: TensorInfo; // [T, C]
  readonly head: TensorInfo; // [V, C]
  readonly bias?: TensorInfo; // [V]
  readonly rows: TensorInfo; // [S] int32
  readonly targets: TensorInfo; // [S] int32
  readonly logSumExp: TensorInfo; // [S]
  readonly entropy?: TensorInfo; // [S]
  readonly squared?: TensorInfo; // [S]
}
interface Attributes {
  readonly temperature: number;
  readonly wantsHead: boolean;
}

export const selectedLogProbsGradientKernel = defineKernel<Inputs, Attributes>({
  kernelName: kernels.selectedLogProbsGradient,
  run({ hidden, head, bias, rows, targets, logSumExp, ...rest }, { temperature, wantsHead }, backend) {
    const [tokens, columns] = hidden.shape as [number, number];
    const [vocabulary, wantsBias] = [head.shape[0]!, wantsHead && bias !== undefined];
    const dHidden = backend.output(hidden.shape);
    const dHead = backend.output(wantsHead ? head.shape : [0]);
    const dBias = backend.output([wantsBias ? vocabulary : 0]);
    backend.kernels['selected_log_probs_gradient']!(
      tokens,
      columns,
      vocabulary,
      rows.shape[0]!,
      temperature,
      backend.optionalFloats(rest.dLogProb),
      backend.optionalFloats(rest.dEntropy),
      backend.optionalFloats(rest.dSquared),
      backend.floats(hidden),
      backend.weight(head),
      backend.optionalFloats(bias),
      backend.integers(rows),
      backend.integers(targets),
      backend.floats(logSumExp),
      backend.optionalFloats(rest.entropy),
      backend.optionalFloats(rest.squared),
      dHidden.values,
      wantsHead ? dHead.values : null,
      wantsBias ? dBias.values : null,
      backend.roundsProducts,
    );
    return [dHidden.info, dHead.info, dBias.info];
  },
});
