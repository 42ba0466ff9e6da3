// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseYaml } from './parse-config.js';
import { readConfig } from './read-config.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'llmf-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

const write = (name: string, text: string) => writeFile(join(folder, name), text);

describe('readConfig', () => {
  it.each([
    ['llmf.yaml', 'train: { seed: 7 }'],
    ['llmf.yml', 'train:\n  seed: 7'],
    ['llmf.json', '{ "train": { "seed": 7 } }'],
    ['llmf.mjs', 'export default { train: { seed: 7 } };'],
    ['llmf.mjs', 'export default async () => ({ train: { seed: 7 } });'],
  ])('finds %s in the folder', async (name, text) => {
    await write(name, text);
    const input = await readConfig(folder);
    expect(input.raw).toEqual({ train: { seed: 7 } });
    expect(input).toMatchObject({ folder, file: join(folder, name) });
  });

  it('takes the file or the folder that was named', async () => {
    await write('other.yaml', 'output: x');
    expect((await readConfig(folder, 'other.yaml')).raw).toEqual({ output: 'x' });
    await write('llmf.yaml', 'output: y');
    expect((await readConfig('/', folder)).raw).toEqual({ output: 'y' });
  });

  it('takes an empty file for no keys', async () => {
    await write('llmf.yaml', '# nothing yet\n');
    expect((await readConfig(folder)).raw).toEqual({});
  });

  it('places every value of JSON by line and column', async () => {
    await write('llmf.json', '{\n\t"train": {\n\t\t"seed": 7\n\t}\n}\n');
    const { source } = await readConfig(folder);
    expect(source.locate(['train', 'seed'], 'key')).toMatch(/llmf\.json:3:3$/);
    expect(source.locate(['train', 'seed'])).toMatch(/llmf\.json:3:11$/);
    expect(source.locate(['train', 'absent'])).toMatch(/llmf\.json:2:11$/); // the nearest parent
  });

  it.each([
    ['llmf.json', '{\n  "a": 1\n  "b": 2\n}', 'CONFIG_SYNTAX', 'llmf.json:3:3'],
    ['llmf.json', '{\n  "a": 1,\n}', 'CONFIG_SYNTAX', 'llmf.json:3:1'],
    ['llmf.json', '{\n  "a": [1, 2', 'CONFIG_SYNTAX', 'llmf.json:2:13'],
    ['llmf.yaml', 'a: 1\nb: [1, 2\nc: 3\n', 'CONFIG_SYNTAX', 'llmf.yaml:3:'],
    ['llmf.yaml', 'a: 1\na: 2\n', 'CONFIG_SYNTAX', 'llmf.yaml:2:1'],
    ['llmf.yaml', 'a: 1\n\tb: 2\n', 'CONFIG_SYNTAX', 'llmf.yaml:2:'],
    ['llmf.yaml', '- a\n- b\n', 'CONFIG_SHAPE', 'got: a list'],
    ['llmf.yaml', 'simpo\n', 'CONFIG_SHAPE', 'got: string "simpo"'],
    ['llmf.mjs', 'export default {', 'CONFIG_PROGRAM', 'llmf.mjs'],
    ['llmf.mjs', 'throw new Error("no such luck")', 'CONFIG_PROGRAM', 'no such luck'],
    ['llmf.yaml', 'path: *.jsonl\n', 'CONFIG_SYNTAX', 'begins with * takes quotes'],
  ])('refuses %s holding %j, and says where', async (name, text, code, place) => {
    await write(name, text);
    await expect(readConfig(folder)).rejects.toMatchObject({ code: `LLMF_CORE_${code}`, status: 1 });
    await expect(readConfig(folder)).rejects.toThrow(place);
  });

  it('refuses a folder with none, with two, a missing file and an unknown form', async () => {
    await expect(readConfig(folder)).rejects.toThrow(/LLMF_CORE_CONFIG_MISSING[^]*llmf\.yaml, llmf\.yml/);
    await expect(readConfig(folder, 'gone.yaml')).rejects.toThrow(/LLMF_CORE_CONFIG_UNREADABLE[^]*ENOENT/);
    await write('llmf.yaml', '');
    await write('llmf.json', '{}');
    await expect(readConfig(folder)).rejects.toThrow(/LLMF_CORE_CONFIG_AMBIGUOUS[^]*llmf\.yaml, llmf\.json/);
    await write('llmf.toml', '');
    await expect(readConfig(folder, 'llmf.toml')).rejects.toThrow(
      /LLMF_CORE_CONFIG_KIND[^]*\.yaml, \.yml, \.json or \.mjs/,
    );
  });
});

describe('parseYaml', () => {
  it('keeps yes and on as texts (YAML 1.2) and reads 1e-5 as a number', () => {
    expect(parseYaml('a: yes\nb: on\nc: 1e-5\nd: 5.0e-6', 'x').data).toEqual({ a: 'yes', b: 'on', c: 1e-5, d: 5e-6 });
  });
  it('knows merge keys', () => {
    expect(parseYaml('base: &b { x: 1 }\nc: { <<: *b, y: 2 }', 'x').data).toMatchObject({ c: { x: 1, y: 2 } });
  });
});
