// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import lossDpo from '@llmf/loss-dpo';
import { initModel, qwen2 } from '@llmf/models';
import { train } from 'llmf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { qwen2Vl } from '../src/models/qwen2-vl.js';
import { vision } from '../src/plugin.js';

const root = mkdtempSync(join(tmpdir(), 'llmf-layouts-'));
afterAll(() => rmSync(root, { recursive: true }));
const architecture = fileURLToPath(new URL('../../../examples/see-and-prefer/architecture', import.meta.url));
const photo = fileURLToPath(new URL('../fixtures/images/rgb-56x56.png', import.meta.url));
const inline = `data:image/png;base64,${readFileSync(photo).toString('base64')}`;
const question = 'What colour is the cross?';
const [chosen, rejected] = ['The cross is blue.', 'The cross is purple.'];
const told = (role: string, content: unknown) => ({ role, content });
const parts = (url: string) => [
  { type: 'image_url', image_url: { url } },
  { type: 'text', text: question },
];

/** One and the same pair, told in different ways. */
const layouts: [name: string, row: Record<string, unknown>][] = [
  [
    'RLHF-V in the sharegpt layout',
    {
      conversations: [{ from: 'human', value: `<image>${question}` }],
      chosen: { from: 'gpt', value: chosen },
      rejected: { from: 'gpt', value: rejected },
      images: ['pictures/a.png'],
    },
  ],
  ['RLAIF-V’s columns', { question, chosen, rejected, image: 'pictures/a.png', idx: 1, origin_dataset: 'x' }],
  ['a column of `datasets`', { question, chosen, rejected, image: { path: 'pictures/a.png', bytes: null } }],
  ['a data URL in a column', { prompt: `<image>${question}`, chosen, rejected, images: [inline] }],
  [
    'messages with a part for the picture and a column that names it',
    {
      prompt: [told('user', [{ type: 'image' }, { type: 'text', text: question }])],
      chosen: [told('assistant', chosen)],
      rejected: [told('assistant', rejected)],
      images: ['pictures/a.png'],
    },
  ],
  [
    'content parts as OpenAI has them, a data URL in them',
    {
      prompt: [told('user', parts(inline))],
      chosen: [told('assistant', chosen)],
      rejected: [told('assistant', rejected)],
    },
  ],
  [
    'content parts in whole conversations, a relative path in them',
    {
      chosen: [told('user', parts('pictures/a.png')), told('assistant', chosen)],
      rejected: [told('user', parts('pictures/a.png')), told('assistant', rejected)],
    },
  ],
];

describe('every layout of a pair with a picture', () => {
  beforeAll(async () => {
    mkdirSync(join(root, 'pictures'));
    cpSync(photo, join(root, 'pictures', 'a.png'));
    await initModel(join(root, 'model'), {
      config: JSON.parse(readFileSync(join(architecture, 'config.json'), 'utf8')) as Record<string, unknown>,
      tokenizerFolder: architecture,
      seed: 1,
      find: () => qwen2Vl(() => qwen2),
    });
  });

  const losses = async (name: string, row: Record<string, unknown>) => {
    const output = name.replaceAll(/\W+/g, '-');
    writeFileSync(join(root, `${output}.jsonl`), JSON.stringify(row));
    const config = {
      plugins: [vision(), lossDpo()],
      model: { path: './model' },
      backend: 'wasm', // the same on every machine
      stage: 'preference',
      loss: { name: 'dpo', beta: 0.5 },
      adapter: { name: 'lora', rank: 4, alpha: 8, targets: 'all' },
      data: { train: [{ path: `${output}.jsonl` }], maxLength: 128 },
      train: { batchSize: 1, gradientAccumulation: 1, maxSteps: 3, learningRate: 0.02, saveEvery: null, logEvery: 1 },
      output,
    };
    await train(config as never, { folder: root });
    const lines = readFileSync(join(root, output, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n');
    return lines.map((line) => {
      const { loss, 'logps/chosen': logps } = JSON.parse(line) as Record<string, number>;
      return [loss, logps];
    });
  };

  it.each(layouts.slice(1))('%s trains exactly as the first', async (name, row) => {
    const first = await losses(...layouts[0]!);
    rmSync(join(root, layouts[0]![0].replaceAll(/\W+/g, '-')), { recursive: true });
    expect(first).toHaveLength(3);
    expect(await losses(name, row)).toEqual(first);
  });
});
