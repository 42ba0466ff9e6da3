// SPDX-License-Identifier: Apache-2.0
// What the plugins of the repository bring by name, with their own one-line descriptions.
import { namedTemplates } from '@llmf/data';
import { AdapterToken, ArchitectureToken } from '@llmf/nn';
import { ReferenceToken } from '@llmf/training';
import { code, table } from './markdown.mjs';

const tokens = {
  architectures: ArchitectureToken,
  adapters: AdapterToken,
  references: ReferenceToken,
};

/** Name, description, and the plugin that brings it. */
export function valueTable(engine, kind) {
  const values = engine.container.resolveAll(tokens[kind]);
  return table(
    ['Name', 'What it is', 'Brought by'],
    values.map((value) => [
      code(value.name ?? value.modelType),
      value.description ?? '',
      code(engine.providerOf(value)?.name ?? ''),
    ]),
  );
}

export const templateTable = () =>
  table(
    ['Name', 'Layout'],
    namedTemplates.map(({ name, description }) => [code(name), code(description.replaceAll('`', ''))]),
  );
