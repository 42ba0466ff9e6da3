// SPDX-License-Identifier: Apache-2.0
/** What is saved is what was trained with: tokenizer, template and end tokens, for adapters, full models and merges. */
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestFolder } from './support/folder.js';
import { makeTinyModel } from './support/tiny-model.js';

/** Other than the tokenizer's own: its turns end with a token that is not eos. */
const template =
  '{% for m in messages %}{{ m.content }}<|user|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}';
const [user, end] = [0, 2];

let folder: TestFolder;
const path = (...parts: string[]) => join(folder.path, ...parts);

async function llmf(...argv: string[]): Promise<{ out: string; err: string }> {
  const { status, out, err } = await folder.llmf(...argv);
  expect({ status, err: status === 0 ? '' : err }).toEqual({ status: 0, err: '' });
  return { out, err };
}

const train = (output: string, ...changes: string[]) =>
  llmf(
    'train',
    'model.path=model',
    'stage=sft',
    'data.train=[{path: rows.jsonl}]',
    'data.maxLength=64',
    'train.maxSteps=1',
    'backend=js',
    `output=${output}`,
    ...changes,
  );

beforeAll(async () => {
  folder = await TestFolder.create();
  await makeTinyModel(folder);
  await folder.write('mine.jinja', template);
  await folder.write('rows.jsonl', '{"prompt":"What is a goat?","response":"It is an animal."}\n'.repeat(4));
});
afterAll(() => folder.remove());

describe('a run with a template of its own', () => {
  beforeAll(async () => {
    await train('lora', 'data.template=mine.jinja', 'adapter.rank=2');
    await train('full', 'data.template=mine.jinja', 'adapter=none');
    await llmf('merge', '--model', 'model', '--adapter', 'lora', '--output', 'merged', '--backend', 'js');
  });

  it.each(['lora', 'full', 'merged'])('leaves it in %s, in one place, with the end of its turns', async (output) => {
    expect(await folder.read(`${output}/chat_template.jinja`)).toBe(template);
    expect(JSON.parse(await folder.read(`${output}/tokenizer_config.json`))).not.toHaveProperty('chat_template');
    const { eos_token_id } = JSON.parse(await folder.read(`${output}/generation_config.json`));
    expect(eos_token_id).toEqual([end, user]);
    expect(await folder.read(`${output}/tokenizer.json`)).toBe(await folder.read('model/tokenizer.json'));
  });

  it('is written and answered with it where nothing is said', async () => {
    const scores = async (...flags: string[]) => {
      await llmf('score', 'rows.jsonl', '--output', 'scores.jsonl', '--backend', 'js', ...flags);
      return await folder.read('scores.jsonl');
    };
    const lora = ['--model', 'model', '--adapter', 'lora'];
    const chosen = await scores(...lora, '--template', 'mine.jinja');
    expect(await scores(...lora)).toBe(chosen);
    await cp(path('lora'), path('bare'), { recursive: true });
    await rm(path('bare', 'tokenizer.json')); // an adapter without a tokenizer is read with the model's
    expect(await scores('--model', 'model', '--adapter', 'bare')).not.toBe(chosen);
    expect(await scores('--model', 'full')).toBe(await scores('--model', 'full', '--template', 'mine.jinja'));
  });
});

describe('a run', () => {
  it('says which end tokens it added, and adds none that are stated', async () => {
    const { out, err } = await train('said', 'data.template=mine.jinja', 'adapter.rank=2');
    expect(out + err).toContain('eos_token_id now also names <|user|>, which ended the turns');
    const silent = await train('silent', 'adapter.rank=2');
    expect(silent.out + silent.err).not.toContain('eos_token_id');
    expect(await folder.list('silent')).not.toContain('generation_config.json');
  });

  it('leaves the tokenizer of data.tokenizer in its output', async () => {
    await cp(path('model'), path('tok'), { recursive: true });
    await cp(path('model'), path('without'), { recursive: true });
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) await rm(path('without', name));
    for (const name of ['model.safetensors', 'config.json']) await rm(path('tok', name));
    await folder.write('without/added_tokens.json', '{}'); // of another tokenizer
    await train('own', 'model.path=without', 'data.tokenizer=tok', 'adapter=none');
    for (const name of ['tokenizer.json', 'tokenizer_config.json'])
      expect(await folder.read(`own/${name}`)).toBe(await folder.read(`tok/${name}`));
    expect(await folder.list('own')).not.toContain('added_tokens.json');
  });

  it('of token ids leaves the files of the model', async () => {
    await folder.write('ids.jsonl', '{"promptIds":[5,6],"responseIds":[7,8]}\n'.repeat(4));
    await train('ids', 'data.train=[{path: ids.jsonl}]', 'model.path=without', 'adapter=none');
    expect(await folder.list('ids')).not.toContain('tokenizer.json');
  });
});
