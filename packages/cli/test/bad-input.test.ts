// SPDX-License-Identifier: Apache-2.0
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toyStage, train } from './bad-input/bad-input.js';
import { commandLine } from './bad-input/command-line.js';
import { otherCommands } from './bad-input/commands.js';
import { configChoice, configFiles, keys } from './bad-input/config.js';
import { data } from './bad-input/data.js';
import { model } from './bad-input/model.js';
import { plugins } from './bad-input/plugins.js';
import { resumed, runs } from './bad-input/runs.js';
import { TestFolder, toyConfig } from './support/folder.js';
import { makeTinyModel } from './support/tiny-model.js';

const groups = {
  commandLine,
  configFiles,
  configChoice,
  keys,
  plugins,
  runs,
  resumed,
  data,
  model,
  otherCommands,
};

/** What can be told before the first step is refused by `check` as well, in the same words. */
const checkable = new Set(['configFiles', 'configChoice', 'keys', 'data', 'model']);

let models: TestFolder;
let folder: TestFolder;
beforeAll(async () => {
  models = await TestFolder.create();
  await makeTinyModel(models);
});
afterAll(() => models.remove());
beforeEach(async () => {
  folder = await TestFolder.create();
});
afterEach(() => folder.remove());

describe.each(Object.entries(groups))('bad input: %s', (group, cases) => {
  it.each(cases)(
    '$title',
    async ({ files = { 'llmf.yaml': toyConfig }, withModel, argv, code, text, status, prepare }) => {
      if (withModel) await cp(join(models.path, 'model'), join(folder.path, 'model'), { recursive: true });
      for (const [name, content] of Object.entries(files)) await folder.write(name, content);
      await prepare?.(folder);
      const before = await folder.snapshot();
      const result = await folder.llmf(...argv);
      expect(result.err).toContain(`${code}: `);
      expect(result.err).toContain(text);
      expect(result.err).not.toMatch(/\n\s+at .*\(.*:\d+:\d+\)/); // no stack trace
      expect(result.status).toBe(status ?? 1);
      const after = await folder.snapshot();
      for (const [file, content] of before) expect(after.get(file), `${file} was changed`).toBe(content);
      if (argv[0] === 'train' && checkable.has(group)) {
        const checked = await folder.llmf('check', ...argv.slice(1));
        expect({ status: checked.status, err: checked.err }).toEqual({
          status: 1,
          err: expect.stringContaining(`${code}: `),
        });
        expect(checked.err).toContain(text);
      }
    },
  );
});

describe('the table', () => {
  it('holds at least 60 bad inputs, each told apart by its title', () => {
    const all = Object.values(groups).flat();
    expect(all.length).toBeGreaterThanOrEqual(60);
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
  });
});

describe('--debug', () => {
  it('adds version and stack trace', async () => {
    await folder.write('llmf.yaml', toyStage('failAt: 1'));
    const { err } = await folder.llmf(...train, '--debug');
    expect(err).toMatch(/^llmf \d+\.\d+\.\d+ \(/);
    expect(err).toMatch(/TypeError: toy\.stumble[^]*\n\s+at .*toy\.mjs/);
    expect(err).toContain('This is our fault');
  });
});
