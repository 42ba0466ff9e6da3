// SPDX-License-Identifier: Apache-2.0
import { defineErrors, nearest } from '@llmf/core';

export const adapterErrors = defineErrors('nn', {
  unknownTarget: (f: { target: string; known: readonly string[] }) => ({
    what: 'adapter.targets names no linear layer of this model',
    where: 'adapter.targets',
    got: f.target,
    expected: `all, a /pattern/, or some of: ${nearest(f.target, f.known).join(', ')}`,
    fix: 'use one of these names',
  }),
  badPattern: (f: { target: string; reason: string }) => ({
    what: 'adapter.targets is not a regular expression',
    where: 'adapter.targets',
    got: `${f.target} (${f.reason})`,
    fix: 'correct the pattern between the slashes',
  }),
  adapterOption: (f: { option: string; got: string; saved: string; folder: string }) => ({
    what: `adapter.${f.option} asks for something else than the adapter to continue from`,
    where: `adapter.${f.option}`,
    got: f.got,
    expected: `${f.saved}, as in ${f.folder}`,
    fix: `leave adapter.${f.option} out: the folder's holds`,
  }),
  adapterFile: (f: { path: string; problem: string; expected?: string }) => ({
    what: 'the adapter to continue from does not fit',
    where: f.path,
    got: f.problem,
    ...(f.expected === undefined ? {} : { expected: f.expected }),
    fix: 'point adapter.path at a PEFT folder made for this model, or leave it out to start a new adapter',
  }),
  unknownModule: (f: { option: string; module: string; known: readonly string[] }) => ({
    what: `adapter.${f.option} names nothing in this model`,
    where: `adapter.${f.option}`,
    got: f.module,
    expected: `some of: ${nearest(f.module, f.known).join(', ')}`,
    fix: 'use one of these names',
  }),
});
