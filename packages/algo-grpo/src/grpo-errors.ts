// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const grpoErrors = defineErrors('algo-grpo', {
  referenceUnused: (f: { reference: string; variant: string }) => ({
    what: 'a reference is chosen, and KL has no weight in the objective',
    where: 'reference',
    got: f.reference,
    expected: `none: klCoefficient is 0 (as variant ${f.variant} has it where nothing is set)`,
    fix: 'set klCoefficient, or remove `reference`',
  }),
});
