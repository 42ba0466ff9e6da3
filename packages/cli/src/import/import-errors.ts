// SPDX-License-Identifier: Apache-2.0
import { defineErrors } from '@llmf/core';

/** What goes wrong while a config of another tool is read. */
export const importErrors = defineErrors('cli', {
  flagUnreadable: (f: { word: string; place: number }) => ({
    what: 'this is no flag',
    where: `word ${f.place} behind --`,
    got: f.word,
    expected: '--name value',
    fix: 'write the flags as you gave them to the other tool',
  }),
  importRefused: (f: { tool: string; where: string; lines: readonly string[] }) => ({
    what: `${f.lines.length} option${f.lines.length === 1 ? '' : 's'} of this ${f.tool} config cannot be taken over`,
    where: f.where,
    got: f.lines.join('; '),
    fix: 'change or remove them; docs/coming-from.md says what each is called here',
  }),
});
