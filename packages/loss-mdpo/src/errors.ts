// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('loss-mdpo', {
  noContrast: (f: { group: number }) => ({
    what: 'mdpo compares pictures, and a row came without another picture to compare with',
    where: `group ${f.group} of the batch`,
    expected: 'a model with eyes and the plugin that adds the other pictures',
    fix: 'add `vision` to the plugins and train a model such as Qwen2-VL; for text alone use loss dpo',
  }),
});
