// SPDX-License-Identifier: Apache-2.0
import { apiVersion } from '@llmf/core';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestFolder } from './support/folder.js';

const core = pathToFileURL(fileURLToPath(new URL('../../core/src/index.ts', import.meta.url))).href;
const hello = `
import { CommandToken, z } from '${core}';
const command = {
  name: 'hello',
  description: 'Greets somebody.',
  arguments: [{ name: 'name', description: 'whom' }],
  options: z.strictObject({
    timesTwo: z.boolean().default(false).describe('Say it twice.'),
    count: z.number().int().min(1).default(1).describe('How many marks.'),
  }),
  async run({ arguments: [name], out }, { timesTwo, count }) {
    const text = 'hello ' + name + '!'.repeat(count) + '\\n';
    out.write(timesTwo ? text + text : text);
    return name === 'nobody' ? 3 : undefined;
  },
};
export default () => ({ name: 'hello', apiVersion: ${apiVersion}, apply: (engine) => engine.provide(CommandToken, command) });
`;

let folder: TestFolder;
beforeEach(async () => {
  folder = await TestFolder.create();
  await folder.write('hello.mjs', hello);
});
afterEach(() => folder.remove());

describe('a command of a plugin', () => {
  const run = (...words: string[]) => folder.llmf('hello', ...words, '--plugin', './hello.mjs');

  it('runs with its arguments and options', async () => {
    expect(await run('Ada', '--times-two', '--count', '2')).toEqual({
      status: 0,
      out: 'hello Ada!!\nhello Ada!!\n',
      err: '',
    });
    expect(await run('nobody')).toMatchObject({ status: 3 });
  });

  it('lists both with --help', async () => {
    const { status, out } = await run('--help');
    expect(status).toBe(0);
    for (const part of ['Usage: llmf hello', 'whom', '--count <value>', 'How many marks. (default: 1)']) {
      expect(out).toContain(part);
    }
  });

  it.each([
    [['Ada', '--count', 'many'], '--count'],
    [['Ada', '--cuont', '2'], '--count'],
    [[], 'name'],
  ])('refuses %j', async (words, told) => {
    const { status, err } = await run(...words);
    expect(status).toBe(1);
    expect(err).toContain('LLMF_CLI_USAGE');
    expect(err).toContain(told);
  });

  it('is unknown without its plugin', async () => {
    expect((await folder.llmf('hello', 'Ada')).err).toContain('LLMF_CLI_USAGE');
  });

  it('is listed by `llmf plugins`', async () => {
    expect((await folder.llmf('plugins', '--plugin', './hello.mjs')).out).toContain('command hello');
  });
});
