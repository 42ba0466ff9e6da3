// SPDX-License-Identifier: Apache-2.0
// Every key of the config with type, default and meaning, from the schemas that read them.
import { describeOptions, z } from '@llmf/core';
import { OptimizerToken, ScheduleToken } from '@llmf/training';
import { code, table } from './markdown.mjs';

/** Tables of every key, grouped as `llmf train --help` groups them, as Markdown. */
export function optionTables(engine) {
  const groups = new Map();
  const rows = describeOptions(engine);
  for (const row of rows) groups.set(titleOf(row), [...(groups.get(titleOf(row)) ?? []), row]);
  for (const { title, row } of namedInTrain(engine)) groups.set(title, [...(groups.get(title) ?? []), row]);
  return [...groups].map(([title, members]) => `### ${title}\n\n${optionTable(members)}`).join('\n\n');
}

/** How many keys the tables hold. */
export const optionCount = (engine) => describeOptions(engine).length + namedInTrain(engine).length;

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

function titleOf({ key, of, plugin }) {
  const section = key.includes('.') ? key.slice(0, key.indexOf('.')) : '';
  const brought = plugin === null || plugin === section ? '' : ` (plugin \`${plugin}\`)`;
  if (of !== null) return `\`${section}: ${of}\`${brought}`;
  return section === '' ? 'Top level' : `\`${section}\`${brought}`;
}

/** Options of the schedules and optimizers that `train.schedule` and `train.optimizer` choose among. */
function namedInTrain(engine) {
  const kinds = [
    ['train.schedule', ScheduleToken],
    ['train.optimizer', OptimizerToken],
  ];
  return kinds.flatMap(([key, token]) =>
    engine.container.resolveAll(token).flatMap((value) => {
      const title = `\`${key}: ${value.name}\``;
      const properties = value.options ? z.toJSONSchema(value.options, { io: 'input' }).properties : {};
      return Object.entries(properties).map(([option, schema]) => ({ title, row: rowOf(`${key}.${option}`, schema) }));
    }),
  );
}

const rowOf = (key, schema) => ({
  key,
  type: rangeOf(schema),
  default: 'default' in schema ? String(schema.default) : null,
  required: false,
  description: schema.description ?? '',
});

/** These options are all numbers. */
function rangeOf({ type, minimum, maximum, exclusiveMinimum, exclusiveMaximum }) {
  const bounds = [
    minimum === undefined ? '' : `≥ ${minimum}`,
    exclusiveMinimum === undefined ? '' : `> ${exclusiveMinimum}`,
    maximum === undefined ? '' : `≤ ${maximum}`,
    exclusiveMaximum === undefined ? '' : `< ${exclusiveMaximum}`,
  ].filter(Boolean);
  return [type, bounds.join(' and ')].filter(Boolean).join(' ');
}
