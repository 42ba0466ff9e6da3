// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf } from '../../test/support/command.js';
import { metricsOf } from '../../test/support/first-run.js';
import { withoutWarning } from '../../test/support/silent.js';

const folder = dirname(fileURLToPath(import.meta.url));

describe('the pipeline of examples/qlora', () => {
  let scratch: string;
  let out: string;
  beforeAll(async () => {
    scratch = await mkdtemp(join(tmpdir(), 'llmf-qlora-'));
    const pipeline = (await readFile(join(folder, 'pipeline.yaml'), 'utf8'))
      .replaceAll('../first-run', join(folder, '..', 'first-run'))
      .replace('output: runs/qlora', 'output: run')
      .replace('common:\n', 'common:\n  backend: wasm\n'); // the same on every machine
    await writeFile(join(scratch, 'pipeline.yaml'), pipeline);
    out = withoutWarning(await llmf(['run', 'pipeline.yaml'], { folder: scratch }), /wasm has no kernels for nf4/);
  });
  afterAll(() => rm(scratch, { recursive: true, force: true }));
  const metrics = (stage: string) => metricsOf(join(scratch, 'run', stage));

  it('learns supervised in 4 bits', async () => {
    const losses = (await metrics('sft')).flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
    expect(losses).toHaveLength(8);
    expect(losses.at(-1)!).toBeLessThan(losses[0]! - 0.03);
  });

  it('then prefers in 4 bits, beginning at the supervised policy', async () => {
    const evaluations = (await metrics('dpo')).filter((row) => row['eval_loss'] !== undefined);
    expect(evaluations[0]!['eval_loss']).toBeCloseTo(Math.LN2, 4);
    expect(evaluations.at(-1)!['eval_rewards/accuracies']).toBeGreaterThan(0.8);
  });

  it('and writes a model without quantization', async () => {
    expect(out).toContain('the base is kept in nf4: its merged layers were expanded');
    const config = JSON.parse(await readFile(join(scratch, 'run', 'merged', 'config.json'), 'utf8')) as object;
    expect(config).not.toHaveProperty('quantization_config');
  });
});
