// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('algo-ilql', {
  lossUnused: (f: { losses: readonly string[] }) => ({
    what: 'stage ilql has an objective of its own; it minimises no other loss',
    where: 'loss',
    got: f.losses.join(', '),
    fix: 'remove `loss`; `stage.awacScale` weights the likelihood',
  }),
  referenceUnused: (f: { reference: string }) => ({
    what: 'stage ilql compares with no reference',
    where: 'reference',
    got: f.reference,
    fix: 'remove `reference`',
  }),
});
