// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestFolder } from './folder.js';

/** Config and tokenizer of the first example: 2 layers, 64 channels, 512 tokens, a chat template. */
export const architecture = fileURLToPath(new URL('../../../../examples/first-run/architecture', import.meta.url));

/** Makes `model/` with random weights through `llmf init`. */
export async function makeTinyModel(folder: TestFolder, { seed = 1, name = 'model' } = {}): Promise<void> {
  const config = join(architecture, 'config.json');
  const made = await folder.llmf('init', name, '--config', config, '--tokenizer', architecture, '--seed', `${seed}`);
  if (made.status !== 0) throw new Error(made.err);
}

/** The architecture's config.json with other values. */
export async function tinyConfig(changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const config = JSON.parse(await readFile(join(architecture, 'config.json'), 'utf8')) as object;
  return JSON.stringify({ ...config, ...changes });
}

export const tinyPairs = [
  { prompt: 'What is a goat?', chosen: 'It is an animal.', rejected: 'I hate such questions.' },
  { prompt: 'What is a flute?', chosen: 'It is an instrument.', rejected: 'Go away!' },
  { prompt: 'What is a saw?', chosen: 'It is a tool.', rejected: 'I am tired of you!' },
  { prompt: 'A beetle, what is that?', chosen: 'It is an animal. Take care!', rejected: 'It is a tool.' },
];

export const jsonLines = (rows: readonly unknown[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
