// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const generationErrors = defineErrors('nn', {
  contextFull: (f: { prompt: number; context: number }) => ({
    what: 'the prompt fills the context of the model',
    got: `${f.prompt} tokens`,
    expected: `fewer than ${f.context}`,
    fix: 'shorten the prompt',
  }),
  emptyPrompt: (f: { tokens: number }) => ({
    what: 'there is nothing to continue',
    got: `a prompt of ${f.tokens} tokens`,
    expected: 'at least one token',
    fix: 'give a prompt; a tokenizer with a beginning-of-text token makes one of an empty text',
  }),
  encoder: (f: { modelType: string }) => ({
    what: 'this model cannot go on with a text: it is an encoder, whose tokens see those after them',
    got: f.modelType,
    expected: 'a decoder, such as llama or gpt2',
    fix: 'use the model for masked tokens, embeddings or classification',
  }),
  logitsNotFinite: (f: { tokens: number; weight: string | null }) => ({
    what: 'the model gives no numbers: its logits are NaN',
    where: f.weight === null ? undefined : `weight ${f.weight}, which is not all finite numbers`,
    got: `NaN after ${f.tokens} tokens`,
    fix: 'use an earlier checkpoint; if all weights are numbers, try --precision f32',
  }),
  sampling: (f: { option: string; got: string; expected: string }) => ({
    what: 'a sampling option has a wrong value',
    where: f.option,
    got: f.got,
    expected: f.expected,
  }),
});
