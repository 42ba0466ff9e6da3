// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

export const headErrors = defineErrors('nn', {
  headWeight: (f: { name: string; folder: string; got: readonly number[] | null; expected: readonly number[] }) => ({
    what: 'a saved head does not fit what is asked of it',
    where: `${f.folder}, ${f.name}`,
    got: f.got === null ? 'no such weight' : `[${f.got.join(', ')}]`,
    expected: `[${f.expected.join(', ')}]`,
    fix: 'begin with a folder whose head has as many outputs and the same layers, or with one that has no head',
  }),
  headFile: (f: { file: string; problem: string }) => ({
    what: 'the file that describes the heads of a folder cannot be read',
    where: f.file,
    got: f.problem,
    expected: 'a list of heads with name, outputs and at',
    fix: 'restore the file, or remove it together with heads.safetensors to begin with new heads',
  }),
});
