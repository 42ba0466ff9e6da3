// SPDX-License-Identifier: Apache-2.0
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRun, firstRunCopy, metricsOf } from './support/first-run.js';

/** With model, rows and output named and nothing else decided; two passes, because the rows are few. */
describe('the default settings', () => {
  let copy: Awaited<ReturnType<typeof firstRunCopy>>;
  beforeAll(async () => {
    copy = await firstRunCopy();
    await cp(join(firstRun, 'data'), join(copy.folder, 'data'), { recursive: true });
  });
  afterAll(() => copy.remove());

  const named = ['model.path=model', 'train.epochs=2', 'train.evalOnStart=true'];
  const held = (file: string) => [`data.train=[{ path: data/${file} }]`, 'data.eval={ split: 0.2 }'];
  const cases: [title: string, words: string[], said: RegExp][] = [
    ['supervised, with LoRA', [...held('sft.json')], /learning rate 0\.0002 \(stage sft with an adapter/],
    [
      'supervised, all weights',
      ['adapter=none', ...held('sft.json')],
      /learning rate 0\.00002 \(stage sft with the model’s own/,
    ],
    [
      'DPO, with LoRA',
      ['--plugin', 'loss-dpo', ...held('train.json')],
      /learning rate 0\.00005 \(stage preference with an adapter/,
    ],
    [
      'DPO, all weights',
      ['--plugin', 'loss-dpo', 'adapter=none', ...held('train.json')],
      /learning rate 0\.000001 \(stage preference/,
    ],
  ];

  it.each(cases)('teach something: %s', async (title, words, said) => {
    const output = title.replaceAll(/\W+/g, '-');
    await writeFile(join(copy.folder, 'empty.yaml'), '');
    const out = succeeded(
      await llmf(['train', 'empty.yaml', ...words, ...named, `output=${output}`], { folder: copy.folder }),
    );
    expect(out).toMatch(said);
    const losses = (await metricsOf(join(copy.folder, output))).flatMap(({ eval_loss: loss }) =>
      loss === undefined ? [] : [loss],
    );
    expect(losses.length).toBeGreaterThanOrEqual(2);
    expect(losses.at(-1)!).toBeLessThan(losses[0]!);
    const record = JSON.parse(await readFile(join(copy.folder, output, 'run.json'), 'utf8')) as {
      learningRate: number;
    };
    expect(out).toContain(`learning rate ${record.learningRate.toLocaleString('en', { maximumFractionDigits: 9 })} `);
  });
});
