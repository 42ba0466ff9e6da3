// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('algo-reward', {
  notRanked: (f: { group: number; answers: number }) => ({
    what: 'a row compares nothing',
    where: `loss reward, group ${f.group} of the batch`,
    got: `${f.answers} answers`,
    expected: 'at least two, the best first',
    fix: 'use the stage with groups of answers, `reward`, or check the plugin that collates the batch',
  }),
  marginOfRanking: (f: { column: string; answers: number }) => ({
    what: 'a margin is wanted between the answers of a pair, and a row ranks more than two',
    where: `loss reward, margin: ${f.column}`,
    got: `${f.answers} answers in a row`,
    expected: 'pairs',
    fix: 'leave `margin` out, or train on pairs',
  }),
});
