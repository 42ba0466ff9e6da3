// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '@llmf/core';
import lossDpo from '@llmf/loss-dpo';
import lossOrpo from '@llmf/loss-orpo';
import lossSimpo from '@llmf/loss-simpo';
import { initModel, qwen2 } from '@llmf/models';
import { testData } from '@llmf/testkit';
import { train } from 'llmf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blocksOf, pageNamed } from '../../../test/support/docs.js';
import { qwen2Vl } from '../src/models/qwen2-vl.js';
import { vision } from '../src/plugin.js';
import { smallQwen2Vl } from './small-model.js';

/** What docs/vision.md shows, changed only where a quick run on a tiny model needs it. */
const page = pageNamed('docs/vision.md');
const data = testData('vlm-preference-sugarcrepe', 'dpo_sharegpt_format.json');
const tokenizer = testData('tokenizers', 'qwen2-vl', 'tokenizer.json');
const losses = {
  dpo: { name: 'dpo', beta: 0.1 },
  orpo: { name: 'orpo', beta: 0.1 },
  simpo: { name: 'simpo' },
} as const;
const layouts = ['RLHF-V’s layout by its name in dataset_info.json', 'RLAIF-V’s columns'] as const;
const runs = layouts.flatMap((layout) => Object.values(losses).map((loss) => ({ layout, loss, title: loss.name })));

describe.skipIf(data === null || tokenizer === null)(
  'the documented settings on 198 real pairs (skipped where the shared test data is absent)',
  () => {
    const root = mkdtempSync(join(tmpdir(), 'llmf-documented-'));
    afterAll(() => rmSync(root, { recursive: true }));
    let documented: Record<string, Record<string, unknown>>;
    beforeAll(async () => {
      cpSync(join(data!, '..'), join(root, 'data'), { recursive: true });
      const columns = { messages: 'conversations', chosen: 'chosen', rejected: 'rejected', images: 'images' };
      const entry = { file_name: 'dpo_sharegpt_format.json', ranking: true, formatting: 'sharegpt', columns };
      writeFileSync(join(root, 'data', 'dataset_info.json'), JSON.stringify({ rlhf_v: entry }));
      mkdirSync(join(root, 'shown'));
      writeFileSync(join(root, 'shown', 'llmf.yaml'), blocksOf(page).find(({ language }) => language === 'yaml')!.text);
      documented = (await readConfig(join(root, 'shown'))).raw as typeof documented;
      await initModel(join(root, 'model'), {
        config: smallQwen2Vl,
        tokenizerFolder: join(tokenizer!, '..'),
        seed: 1,
        find: () => qwen2Vl(() => qwen2),
      });
    });

    it.each(runs)('train $title on $layout', async ({ layout, loss }) => {
      const output = `${loss.name}-${layouts.indexOf(layout)}`;
      const source = layout === layouts[0] ? documented['data']!['train'] : [{ path: 'data/sugarcrepe_pairs.jsonl' }];
      const told: string[] = [];
      const config = {
        ...documented,
        plugins: [vision(), lossDpo(), lossOrpo(), lossSimpo()],
        model: { path: './model' },
        loss,
        data: { ...documented['data'], train: source },
        vision: { image: { maxPixels: 12_544 } }, // 16 tokens: quick
        train: { ...documented['train'], maxSteps: 2, logEvery: 1 },
        backend: { name: 'wasm', precision: 'f32' }, // the same on every machine
        output,
      };
      const logger = { info: (line: string) => told.push(line), warn: (line: string) => told.push(line) };
      await train(config as never, { folder: root, logger });
      const lines = readFileSync(join(root, output, 'metrics.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Readonly<Record<string, number>>);
      const steps = lines.filter((line) => line['loss'] !== undefined);
      expect(steps.map(({ step }) => step)).toEqual([1, 2]);
      if (loss.name === 'dpo') expect(steps[0]!['loss']).toBeCloseTo(Math.LN2, 5);
      for (const line of steps) expect(line['gradNorm']).toBeGreaterThan(0);
      expect(lines.at(-1)!['eval_image/margins']).toBeTypeOf('number');
      const { data: rows } = JSON.parse(readFileSync(join(root, output, 'run.json'), 'utf8')) as {
        readonly data: { readonly rows: number; readonly dropped: number };
      };
      expect([rows.rows, rows.dropped]).toEqual([178, 0]); // a tenth of 198 is held out
      expect(told.filter((line) => line.startsWith('vision:'))).toHaveLength(1);
    });
  },
);
