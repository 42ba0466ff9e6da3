// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const lossErrors = defineErrors('training', {
  lossPairs: (f: { group: number; chosen: number; rejected: number }) => ({
    what: 'a preference loss got a row that is not a pair',
    where: `group ${f.group} of the batch`,
    got: `${f.chosen} chosen and ${f.rejected} rejected answers`,
    expected: 'one of each',
    fix: "declare rows: 'pair' in the loss's needs, or check the plugin that collates the batch",
  }),
  lossNeed: (f: { wanted: string; need: string }) => ({
    what: `a loss asked for ${f.wanted}, which were not computed`,
    expected: `${f.need} in the loss's needs`,
    fix: 'declare the need, so that the engine provides them',
  }),
});
