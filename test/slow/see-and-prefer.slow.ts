// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { llmf, repository, run, succeeded } from '../support/command.js';

const folder = mkdtempSync(join(tmpdir(), 'llmf-see-'));
afterAll(() => rmSync(folder, { recursive: true }));
const command = async (...argv: string[]) => succeeded(await llmf(argv, { folder }));

describe('see-and-prefer', () => {
  it('prefers right answers on held-out pictures, and only with the right picture, within ten minutes', async () => {
    const example = join(repository, 'examples', 'see-and-prefer');
    for (const name of ['architecture', 'sft.yaml', 'llmf.yaml']) {
      cpSync(join(example, name), join(folder, name), { recursive: true });
    }
    const started = performance.now();
    succeeded(await run(process.execPath, [join(example, 'draw.mjs'), folder], { folder }));
    const config = ['--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', '1'];
    await command('init', 'runs/untrained', '--plugin', 'vision', ...config);
    await command('train', 'sft.yaml');
    await command('train');
    const minutes = (performance.now() - started) / 60_000;
    const rows = readFileSync(join(folder, 'runs', 'dpo', 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, number>);
    const last = rows.findLast((row) => 'eval_image/accuracies' in row)!;
    expect(last['eval_image/accuracies']).toBeGreaterThanOrEqual(0.95);
    // 150 rows: three standard deviations of a coin are 0.12.
    expect(Math.abs(last['eval_image/accuracies_shuffled']! - 0.5)).toBeLessThan(0.12);
    expect(minutes).toBeLessThan(10);
  }, 700_000);
});
