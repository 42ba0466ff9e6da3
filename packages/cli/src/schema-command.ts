// SPDX-License-Identifier: Apache-2.0
import { schemaOf } from '@llmf/core';
import { composeEngine } from './compose-engine.js';
import type { CliIo } from './io.js';
import { readNamedInput } from './read-input.js';

export async function schemaCommand(io: CliIo, config: string | undefined, plugins: readonly string[]): Promise<void> {
  const named = await readNamedInput(io, config === undefined ? [] : [config], 'llmf schema');
  const { engine } = await composeEngine({ folder: io.folder, plugins, ...named });
  io.out.write(`${JSON.stringify(schemaOf(engine), null, 2)}\n`);
  await engine.close();
}
