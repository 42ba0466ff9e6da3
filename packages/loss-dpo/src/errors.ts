// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('loss-dpo', {
  sortedWeights: (f: { variant: string }) => ({
    what: 'rows of different weight cannot be trained on together by a loss that sorts the batch',
    where: `loss dpo, variant ${f.variant}`,
    got: 'a batch whose rows differ in weight',
    expected: 'equal weights',
    fix: 'drop the weight column, or choose another variant',
  }),
});
