// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Loss } from '@llmf/training';
import { chooseLoss, describeLoss, evaluateLoss, raggedBatch } from '@llmf/testkit';
import { describe, expect, it } from 'vitest';
import { llmf, succeeded } from '../../test/support/command.js';
import lossSlic, { slicLoss } from './loss-slic.mjs';

const slic = slicLoss as unknown as Loss<{ margin: number }>;

describeLoss(slic, [{}, { options: { margin: 2 } }]);

describe('the example loss', () => {
  it('is the shortfall of the lead in a case worked by hand: δ = 1, lead −3 − (−3.5) = 0.5', () => {
    const answers = [
      { role: 'chosen', policy: [-1, -2], reference: [] },
      { role: 'rejected', policy: [-3.5], reference: [] },
    ] as const;
    const [result] = evaluateLoss(chooseLoss(slic), raggedBatch([{ prompt: [], answers }]));
    expect([...result!.items]).toEqual([0.5]);
  });

  it('has at most 60 lines', () => {
    const lines = readFileSync(new URL('loss-slic.mjs', import.meta.url), 'utf8')
      .trimEnd()
      .split('\n');
    expect(lines.length).toBeLessThanOrEqual(60);
  });

  it('is explained line by line: the README shows the very file', () => {
    const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
    const shown = [...read('README.md').matchAll(/```js\n(.*?)```/gs)].map(([, code]) => code!.trimEnd());
    const source = read('loss-slic.mjs').split('\n').slice(2).join('\n');
    const withoutBlanks = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.trim() !== '')
        .join('\n');
    expect(shown.length).toBeGreaterThan(4);
    expect(shown.map(withoutBlanks).join('\n')).toBe(withoutBlanks(source));
  });

  it('brings exactly one loss', () => {
    const provided: unknown[] = [];
    lossSlic().apply({ provide: (_token: symbol, value: unknown) => provided.push(value) });
    expect(provided).toEqual([slicLoss]);
  });
});

describe('llmf with the example loss', () => {
  const folder = fileURLToPath(new URL('.', import.meta.url));

  it('lists its option in --help', async () => {
    expect(succeeded(await llmf(['train', 'llmf.yaml', '--help'], { folder }))).toMatch(
      /loss\.margin[^]*nats by which/,
    );
  });

  it('learns with it what the README says: held-out accuracy of about 0.9', async () => {
    const output = await mkdtemp(join(tmpdir(), 'llmf-slic-'));
    succeeded(await llmf(['train', `output=${output}`], { folder }));
    const lines = (await readFile(join(output, 'metrics.jsonl'), 'utf8')).trimEnd().split('\n');
    await rm(output, { recursive: true });
    const rows = lines.map((line) => JSON.parse(line) as Record<string, number>);
    expect(rows[0]).toMatchObject({ loss: expect.any(Number), 'rewards/accuracies': expect.any(Number) });
    expect(rows.at(-1)!['eval_rewards/accuracies']).toBeGreaterThanOrEqual(0.8);
  });

  it('names the option that a misspelt one means', async () => {
    const { status, err } = await llmf(['train', 'loss.margn=2'], { folder });
    expect(status).toBe(1);
    expect(err).toContain('margin');
  });
});
