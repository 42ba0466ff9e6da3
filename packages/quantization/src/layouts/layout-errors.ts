// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const layoutErrors = defineErrors('quantization', {
  layoutSettings: (f: { folder: string; key: string; got: string; expected: string }) => ({
    what: 'quantization_config asks for what llmf does not read',
    where: `${f.folder}, config.json, quantization_config.${f.key}`,
    got: f.got,
    expected: f.expected,
    fix: 'use the unquantized model with `quantization: nf4`, or a folder quantized otherwise',
  }),
  layoutTensor: (f: { folder: string; tensor: string; got: string; expected: string }) => ({
    what: 'a quantized weight does not fit what its other tensors say',
    where: `${f.folder}, tensor ${f.tensor}`,
    got: f.got,
    expected: f.expected,
    fix: 'the folder is damaged, or was made by a tool that llmf does not know: quantize the model again',
  }),
  layoutMissing: (f: { folder: string; tensor: string; weight: string }) => ({
    what: 'a quantized weight lacks one of its tensors',
    where: f.folder,
    got: `no ${f.tensor}`,
    expected: `what ${f.weight} is expanded with`,
    fix: 'fetch the folder again, or quantize the model again',
  }),
  readOnly: (f: { format: string }) => ({
    what: 'weights are not made in this format, only read from files that have it',
    got: f.format,
    expected: 'nf4, fp4, int8, q8_0, q4_0 or q4_1',
    fix: 'choose one of these',
  }),
  layoutMixed: (f: { folder: string; got: string; expected: string; tensor: string }) => ({
    what: 'the folder mixes ways of quantizing, or holds another than its config.json says',
    where: `${f.folder}, tensor ${f.tensor}`,
    got: f.got,
    expected: f.expected,
    fix: 'quantize the model again, in one format',
  }),
});
