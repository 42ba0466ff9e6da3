// SPDX-License-Identifier: Apache-2.0
// What lies in the user's folder, or above it, is run only by a command line that asks for it.
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestFolder } from './support/folder.js';

const binary = fileURLToPath(new URL('../bin/llmf.js', import.meta.url));

let folder: TestFolder;
beforeEach(async () => {
  folder = await TestFolder.create();
  await folder.write('node_modules/llmf/package.json', '{ "name": "llmf", "type": "module" }');
  await folder.write('node_modules/llmf/dist/main.js', 'console.log("the local one", process.argv[2]);');
  await folder.write('model/empty.txt', '');
});
afterEach(() => folder.remove());

/** The command as a user starts it in a folder below the one that holds node_modules. */
const llmf = (...argv: string[]): Promise<{ out: string; err: string }> =>
  new Promise((resolve) => {
    const cwd = join(folder.path, 'model');
    execFile(process.execPath, [binary, ...argv], { cwd }, (_error, out, err) => resolve({ out, err }));
  });

const readOnly = [
  'generate --model . --prompt x --max-new-tokens 1',
  'generate --model . --prompt --plugin=y',
  'chat --model .',
  'score rows.jsonl --model . --output o.jsonl',
  'plugins',
  'schema',
  'env',
  '--help',
  'train --help',
  'check --help',
  'generate --plugin y --help',
  '--version',
];

describe('another llmf installed above the folder', () => {
  it.each(readOnly)('is not run by llmf %s', async (line) => {
    expect((await llmf(...line.split(' '))).out).not.toContain('the local one');
  });

  it.each(['train', 'check', 'train --plugin x --help', 'generate --model . --prompt y --plugin x', 'plugins a.yaml'])(
    'is what runs llmf %s',
    async (line) => {
      const words = line.split(' ');
      expect((await llmf(...words)).out).toBe(`the local one ${words[0]}\n`);
    },
  );
});

describe('a config of the folder', () => {
  const program = 'process.stderr.write("ran the config"); export default {};';

  it.each(['plugins', 'schema', 'train --help', 'check --help'])('that is a program is not run by %s', async (line) => {
    await folder.write('model/llmf.mjs', program);
    expect((await llmf(...line.split(' '))).err).not.toContain('ran the config');
  });

  it.each(['plugins', 'schema', 'train --help'])('brings no plugins into %s, which says so', async (line) => {
    await folder.write('model/llmf.yaml', 'plugins: [./mine.mjs]\n');
    await folder.write('model/mine.mjs', program);
    const { err } = await llmf(...line.split(' '));
    expect(err).toBe(
      `llmf.yaml of this folder is not read here; to load its plugins, name it: llmf ${line} llmf.yaml\n`,
    );
  });

  it('is used where it is named', async () => {
    await rm(join(folder.path, 'node_modules'), { recursive: true });
    await folder.write('model/mine.mjs', 'export default () => ({ name: "mine", apiVersion: 2, apply() {} });');
    await folder.write('model/llmf.yaml', 'plugins: [./mine.mjs]\n');
    expect((await llmf('plugins', 'llmf.yaml')).out).toContain('\n  mine\n');
  });
});
