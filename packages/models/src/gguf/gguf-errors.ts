// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const ggufErrors = defineErrors('models', {
  ggufBroken: (f: { file: string; got: string; expected: string }) => ({
    what: 'this is no GGUF file that can be read',
    where: f.file,
    got: f.got,
    expected: f.expected,
    fix: 'fetch or convert the file again',
  }),
  ggufTruncated: (f: { file: string; tensor?: string; got: string; expected: string }) => ({
    what: 'the GGUF file ends before what its head says',
    where: f.tensor === undefined ? f.file : `${f.file}, tensor ${f.tensor}`,
    got: f.got,
    expected: f.expected,
    fix: 'fetch the file again: it was cut short, or its head is damaged',
  }),
  ggufKind: (f: { file: string; got: string; known: readonly string[] }) => ({
    what: 'the GGUF file holds a kind of model that llmf does not read from GGUF',
    where: `${f.file}, general.architecture`,
    got: f.got,
    expected: `one of ${f.known.join(', ')} (Mistral's files say llama)`,
    fix: 'use the model folder that the file was converted from',
  }),
  ggufValue: (f: { file: string; key: string; got: string; expected: string }) => ({
    what: 'the metadata of the GGUF file lacks something, or says what llmf does not compute',
    where: `${f.file}, ${f.key}`,
    got: f.got,
    expected: f.expected,
    fix: 'use another conversion, or the model folder that the file was converted from',
  }),
  ggufTensor: (f: { file: string; tensor: string; got: string; expected: string }) => ({
    what: 'the GGUF file holds a tensor that llmf cannot use',
    where: `${f.file}, tensor ${f.tensor}`,
    got: f.got,
    expected: f.expected,
    fix: 'use a file with other blocks (Q4_0, Q4_1, Q8_0, Q4_K_M, Q5_K_M, Q6_K, F16, BF16 or F32)',
  }),
  ggufTokenizer: (f: { file: string; key: string; got: string; expected: string }) => ({
    what: 'the tokenizer in the GGUF file is of a kind that llmf does not build',
    where: `${f.file}, ${f.key}`,
    got: f.got,
    expected: f.expected,
    fix: 'use the model folder that the file was converted from',
  }),
});
