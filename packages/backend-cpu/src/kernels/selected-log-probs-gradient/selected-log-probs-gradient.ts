// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel, type TensorInfo } from '../define-kernel.js';
import { selectionValues, type LogitForm, type Selection } from '../selected-log-probs/selection.js';

interface Inputs extends Selection {
  readonly dLogProb?: TensorInfo; // [S]
  readonly dEntropy?: TensorInfo; // [S]
  readonly dSquared?: TensorInfo; // [S]
  readonly logProb: TensorInfo; // [S]
  readonly logSumExp: TensorInfo; // [S]
  readonly entropy?: TensorInfo; // [S]
  readonly squared?: TensorInfo; // [S]
  /** What log-probs kept. */
  readonly kept?: TensorInfo;
}
interface Attributes extends LogitForm {
  readonly wantsHead: boolean;
}

export const selectedLogProbsGradientKernel = defineKernel<Inputs, Attributes>({
  kernelName: kernels.selectedLogProbsGradient,
  run(inputs, { wantsHead, ...form }, backend) {
    const { hidden, head, bias } = inputs;
    const wantsBias = wantsHead && bias !== undefined;
    const dHidden = backend.output(hidden.shape);
    const dHead = backend.output(wantsHead ? head.shape : [0]);
    const dBias = backend.output(wantsBias ? bias.shape : [0]);
    backend.kernels.selectedLogProbsGradient({
      ...selectionValues(inputs, form, backend),
      dLogProb: backend.optionalFloats(inputs.dLogProb),
      dEntropy: backend.optionalFloats(inputs.dEntropy),
      dSquared: backend.optionalFloats(inputs.dSquared),
      logProb: backend.floats(inputs.logProb),
      logSumExp: backend.floats(inputs.logSumExp),
      entropy: backend.optionalFloats(inputs.entropy),
      squared: backend.optionalFloats(inputs.squared),
      keptRow: inputs.kept?.shape[1] ?? 0,
      kept: inputs.kept === undefined ? null : backend.integers(inputs.kept),
      dHidden: dHidden.values,
      dHead: wantsHead ? dHead.values : null,
      dBias: wantsBias ? dBias.values : null,
    });
    return [dHidden.info, dHead.info, dBias.info];
  },
});
