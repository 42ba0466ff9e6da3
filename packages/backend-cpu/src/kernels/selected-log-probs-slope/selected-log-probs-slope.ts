// SPDX-License-Identifier: Apache-2.0
import { kernels } from '@llmf/nn';
import { defineKernel } from '../define-kernel.js';
import { selectionValues, type LogitForm, type Selection } from '../selected-log-probs/selection.js';

export const selectedLogProbsSlopeKernel = defineKernel<Selection, LogitForm>({
  kernelName: kernels.selectedLogProbsSlope,
  run(selection, form, backend) {
    const selected = selection.rows.shape[0]!;
    const [logProb, slope] = [backend.output([selected]), backend.output([selected, selection.hidden.shape[1]!])];
    backend.kernels.selectedLogProbsSlope({
      ...selectionValues(selection, form, backend),
      logProb: logProb.values,
      slope: slope.values,
    });
    return [logProb.info, slope.info];
  },
});
