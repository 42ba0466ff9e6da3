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
  readonly entropy: boolean;
  readonly squared: boolean;
  readonly temperature: number;
}

export const selectedLogProbsKernel = defineKernel<Inputs, Attributes>({
  kernelName: kernels.selectedLogProbs,
  run({ hidden, head, bias, rows, targets }, { entropy, squared, temperature }, backend) {
    const [tokens, columns] = hidden.shape as [number, number];
    const selected = rows.shape[0]!;
    const outputs = [true, true, entropy, squared].map((isWanted) => backend.output([isWanted ? selected : 0]));
    const [logProb, logSumExp, entropies, squares] = outputs.map(({ values }) => values);
    backend.kernels['selected_log_probs']!(
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
      logProb!,
      logSumExp!,
      entropy ? entropies! : null,
      squared ? squares! : null,
      backend.roundsProducts,
    );
    return outputs.map(({ info }) => info);
  },
});
