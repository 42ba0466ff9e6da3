// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const errors = defineErrors('stages', {
  noMask: (_facts: object) => ({
    what: 'tokens are to be hidden, and the tokenizer has none that stands for a hidden one',
    where: 'stage masked',
    expected: 'a mask_token in tokenizer_config.json, such as [MASK] or <mask>',
    fix: 'train an encoder with its own tokenizer, or choose stage contextual for a decoder',
  }),
});
