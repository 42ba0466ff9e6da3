// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('loss-kto', {
  notLabelled: (f: { group: number; labelled: number }) => ({
    what: 'a row is not one answer that is labelled good or bad',
    where: `loss kto, group ${f.group} of the batch`,
    got: `${f.labelled} labelled answers`,
    expected: 'one',
    fix: 'use the stage with labelled rows, `unpaired`, or check the plugin that collates the batch',
  }),
});
