// SPDX-License-Identifier: Apache-2.0
// Every key of the config with type, default and meaning, from the schemas that read them.
import { describeOptions } from '@llmf/core';
import { code, table } from './markdown.mjs';

/** Tables of every key, grouped as `llmf train --help` groups them, as Markdown. */
export function optionTables(engine) {
  const groups = new Map();
  const rows = describeOptions(engine);
  for (const row of rows) groups.set(titleOf(row), [...(groups.get(titleOf(row)) ?? []), row]);
  return [...groups].map(([title, members]) => `### ${title}\n\n${optionTable(members)}`).join('\n\n');
}

/** How many keys the tables hold. */
export const optionCount = (engine) => describeOptions(engine).length;

const optionTable = (rows) =>
  table(
    ['Key', 'Type', 'Default', 'Meaning'],
    rows.map(({ key, type, default: preset, required, description }) => [
      code(key),
      type,
      required ? 'required' : preset === null ? '' : code(preset),
      description.replaceAll('<', '&lt;'),
    ]),
  );

function titleOf({ key, of, slot, plugin }) {
  const section = key.includes('.') ? key.slice(0, key.indexOf('.')) : '';
  const brought = plugin === null || plugin === section ? '' : ` (plugin \`${plugin}\`)`;
  if (of !== null) return `\`${slot}: ${of}\`${brought}`;
  return section === '' ? 'Top level' : `\`${section}\`${brought}`;
}
