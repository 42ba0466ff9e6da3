// SPDX-License-Identifier: Apache-2.0
/** Stages that write their answers, with pictures in the prompts: sampler and trainer see the same. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, repository, run, succeeded } from './support/command.js';
import { metricsOf } from './support/first-run.js';

const example = join(repository, 'examples', 'see-and-prefer');
const folder = mkdtempSync(join(tmpdir(), 'llmf-online-vision-'));
afterAll(() => rmSync(folder, { recursive: true }));

const command = async (...argv: string[]) => succeeded(await llmf(argv, { folder }));

beforeAll(async () => {
  cpSync(join(example, 'architecture'), join(folder, 'architecture'), { recursive: true });
  succeeded(await run(process.execPath, [join(example, 'draw.mjs'), folder], { folder }));
  const config = ['--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', '1'];
  await command('init', 'untrained', '--plugin', 'vision', ...config);
  writeFileSync(
    join(folder, 'reward.mjs'),
    'export default (all) => all.map(({ ids }) => (ids[0] % 7) + ids.length);\n',
  );
});

describe.each([
  ['ppo', '{ name: ppo, maxNewTokens: 6, epochs: 1, answers: 2 }'],
  ['grpo', '{ name: grpo, maxNewTokens: 6, answers: 4, klCoefficient: 0.1 }'],
])('%s with pictures', (name, stage) => {
  it('draws answers with the log-probs that training computes', async () => {
    await command(
      'train',
      'plugins=[vision]',
      '--plugin',
      `algo-${name}`,
      'model.path=untrained',
      'adapter=lora',
      `stage=${stage}`,
      'rewards={ name: function, path: reward.mjs }',
      `output=${name}`,
      'backend.precision=f32',
      'data.train=[{ path: data/train.json }]',
      'data.maxSamples=16',
      'data.maxLength=96',
      'train.batchSize=4',
      'train.gradientAccumulation=1',
      'train.maxSteps=3',
      'train.logEvery=1',
    );
    const rows = (await metricsOf(join(folder, name))).filter((row) => 'loss' in row);
    expect(rows).toHaveLength(3);
    for (const row of rows) {
      expect(row['sampling/logp_difference_max']).toBeLessThan(1e-5);
      expect(Math.abs(row['val/ratio']! - 1)).toBeLessThan(1e-5);
    }
  });
});
