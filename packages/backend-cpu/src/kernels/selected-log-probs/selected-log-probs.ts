// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel } from '../define-kernel.js';
import { selectionValues, type LogitForm, type Selection } from './selection.js';

interface Attributes extends LogitForm {
  readonly entropy: boolean;
  readonly squared: boolean;
}

export const selectedLogProbsKernel = defineKernel<Selection, Attributes>({
  kernelName: kernels.selectedLogProbs,
  run(selection, { entropy, squared, ...form }, backend) {
    const selected = selection.rows.shape[0]!;
    const outputs = [true, true, entropy, squared].map((isWanted) => backend.output([isWanted ? selected : 0]));
    const [logProb, logSumExp, entropies, squares] = outputs.map(({ values }) => values);
    backend.kernels.selectedLogProbs({
      ...selectionValues(selection, form, backend),
      logProb: logProb!,
      logSumExp: logSumExp!,
      entropy: entropy ? entropies! : null,
      squared: squared ? squares! : null,
    });
    return outputs.map(({ info }) => info);
  },
});
