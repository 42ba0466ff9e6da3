// SPDX-License-Identifier: Apache-2.0
import { basename, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LlmfError } from '@llmf/core';
import { temporaryFolder, write } from '../../test/tiny-tokenizers.js';
import { describedSource } from './dataset-info.js';
import { resolveSources } from './source.js';

const folder = temporaryFolder();
write(folder, 'hub/de/train.jsonl', '{"instruction": "a", "output": "b"}\n');
write(folder, 'hub/de/test.jsonl', '{"instruction": "a", "output": "b"}\n');
write(folder, 'pairs.json', '[]');
const info = write(folder, 'dataset_info.json', {
  plain: { file_name: 'pairs.json' },
  older: { file_name: 'pairs.json', file_sha1: '607f94a7f581341e59685aef32f531095232cf23' },
  ranked: {
    file_name: 'pairs.json',
    formatting: 'sharegpt',
    ranking: true,
    num_samples: 7,
    columns: { messages: 'talk', chosen: 'up', system: null, kto_tag: 'tag', images: 'pics' },
    tags: {
      role_tag: 'role',
      content_tag: 'content',
      user_tag: 'user',
      assistant_tag: 'assistant',
      observation_tag: 'obs',
      function_tag: 'fn',
      system_tag: 'sys',
    },
  },
  split: { file_name: 'hub', subset: 'de', split: 'test' },
  folder: { file_name: 'hub', folder: 'de' },
  hub: { hf_hub_url: 'llamafactory/alpaca_en', ms_hub_url: 'x', om_hub_url: 'y' },
  modelscope: { ms_hub_url: 'group/set' },
  modelers: { om_hub_url: 'group/set' },
  script: { script_url: 'belle' },
  cloud: { cloud_file_name: 's3://bucket/x.json' },
  both: { hf_hub_url: 'llamafactory/x', file_name: 'pairs.json' },
  nothing: { formatting: 'alpaca' },
  unknownKey: { file_name: 'pairs.json', colums: {} },
  wrongType: { file_name: 'pairs.json', num_samples: 'many' },
  wrongColumn: { file_name: 'pairs.json', formatting: 'sharegpt', columns: { prompt: 'x' } },
  unranked: { file_name: 'pairs.json', columns: { chosen: 'x', rejected: 'y' } },
});

const described = (name: string) => describedSource(name, info);
const errorOf = (work: Promise<unknown>) =>
  work.then(
    () => null,
    (error: LlmfError) => error,
  );

describe('dataset_info.json', () => {
  it('is alpaca unless it says otherwise', async () => {
    expect(await described('plain')).toEqual({ path: join(folder, 'pairs.json'), format: 'alpaca', columns: {} });
  });

  it('passes over the checksum of older registries', async () => {
    expect(await described('older')).toEqual(await described('plain'));
  });

  it('maps every column and tag, ranking and num_samples', async () => {
    expect(await described('ranked')).toEqual({
      path: join(folder, 'pairs.json'),
      format: 'sharegpt',
      samples: 7,
      columns: { messages: 'talk', chosen: 'up', rejected: 'rejected', label: 'tag', images: 'pics' },
      tags: {
        role: 'role',
        content: 'content',
        user: 'user',
        assistant: 'assistant',
        observation: 'obs',
        function: 'fn',
        system: 'sys',
      },
    });
  });

  it('finds subset, folder and split of a folder', async () => {
    const files = async (dataset: string) => {
      const [source] = await resolveSources([{ dataset, infoFile: 'dataset_info.json' }], folder, () => undefined);
      return source!.files.map(({ path }) => relative(folder, path));
    };
    expect(await files('split')).toEqual([join('hub', 'de', 'test.jsonl')]);
    expect(await files('folder')).toEqual([join('hub', 'de', 'train.jsonl')]);
  });

  it('lets the entry of the config stand above the description', async () => {
    const entry = { dataset: 'ranked', infoFile: folder, samples: 3, format: 'openai' };
    const [source] = await resolveSources([entry], folder, () => undefined);
    expect(source).toMatchObject({ name: 'ranked', samples: 3, files: [{ format: 'openai' }] });
    expect(basename(source!.files[0]!.path)).toBe('pairs.json');
  });

  it.each([
    ['hub', 'hf_hub_url: llamafactory/alpaca_en', 'huggingface.co/datasets/llamafactory/alpaca_en'],
    ['modelscope', 'ms_hub_url: group/set', 'modelscope.cn'],
    ['modelers', 'om_hub_url: group/set', 'modelers.cn'],
    ['script', 'script_url: belle', 'JSONL'],
    ['cloud', 'cloud_file_name: s3://bucket/x.json', 'Copy s3://bucket/x.json'],
  ])('says what to do about the remote data set %s', async (name, got, advice) => {
    const error = await errorOf(described(name));
    expect(error?.code).toBe('LLMF_DATA_INFO_REMOTE');
    expect(error?.detail.got).toBe(got);
    expect(error?.detail.fix).toContain(advice);
  });

  it('takes the local file where one is named beside a hub', async () => {
    expect((await described('both')).path).toBe(join(folder, 'pairs.json'));
  });

  it.each([
    ['nothing', 'it has no file_name'],
    ['unknownKey', 'colums'],
    ['wrongType', 'num_samples'],
    ['wrongColumn', 'columns.prompt is no column of the sharegpt format'],
    ['unranked', 'need "ranking": true'],
  ])('refuses the entry %s', async (name, text) => {
    const error = await errorOf(described(name));
    expect(error?.code).toBe('LLMF_DATA_INFO_BROKEN');
    expect(error?.message).toContain(text);
  });

  it('lists the nearest names for an unknown one', async () => {
    const error = await errorOf(described('rankd'));
    expect(error?.code).toBe('LLMF_DATA_INFO_UNKNOWN_NAME');
    expect(error?.detail.expected).toMatch(/^ranked/);
  });

  it('says where the file itself is broken', async () => {
    const path = write(folder, 'broken.json', '{\n  "a": {}\n  "b": {}\n}');
    const error = await errorOf(describedSource('a', path));
    expect(error?.detail.where).toBe(`${path}:3:3`);
  });

  it.each([
    [{ path: 'a', dataset: 'b' }, 'LLMF_DATA_OPTION_UNFIT'],
    [{}, 'LLMF_DATA_OPTION_UNFIT'],
    [{ path: 'pairs.json', infoFile: 'x' }, 'LLMF_DATA_OPTION_UNFIT'],
    [{ path: 'pairs.json', pieces: 'line' as const }, 'LLMF_DATA_OPTION_UNFIT'],
    [{ dataset: 'plain', infoFile: 'nowhere.json' }, 'LLMF_DATA_FILE_MISSING'],
  ])('refuses the entry %o', async (entry, code) => {
    expect((await errorOf(resolveSources([entry], folder, () => undefined)))?.code).toBe(code);
  });
});
