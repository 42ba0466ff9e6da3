// SPDX-License-Identifier: Apache-2.0
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, run, succeeded } from '../../test/support/command.js';
import { withoutWarning } from '../../test/support/silent.js';

const example = fileURLToPath(new URL('.', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'llmf-see-'));
afterAll(() => rmSync(folder, { recursive: true }));

const command = async (...argv: string[]) => withoutWarning(await llmf(argv, { folder }));
const linesOf = (file: string) =>
  readFileSync(join(folder, file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** The README's commands, with a few steps each: that they work. What they reach is the slow tier's to show. */
describe('see-and-prefer', () => {
  beforeAll(async () => {
    for (const name of ['architecture', 'sft.yaml', 'llmf.yaml']) {
      cpSync(join(example, name), join(folder, name), { recursive: true });
    }
    succeeded(await run(process.execPath, [join(example, 'draw.mjs'), folder], { folder }));
    const config = ['--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', '1'];
    await command('init', 'runs/untrained', '--plugin', 'vision', ...config);
    await command('train', 'sft.yaml', 'train.maxSteps=2', 'train.batchSize=4');
  }, 60_000);

  it('draws pictures and pairs; every held-out pair has a twin with the answers exchanged', () => {
    expect(readdirSync(join(folder, 'data', 'pictures'))).toHaveLength(1650);
    const rows = JSON.parse(readFileSync(join(folder, 'data', 'held-out.json'), 'utf8')) as {
      readonly chosen: { readonly value: string };
      readonly rejected: { readonly value: string };
      readonly images: readonly [string];
    }[];
    expect(rows).toHaveLength(150);
    const byPicture = new Map(rows.map((row) => [row.images[0], row]));
    for (const { images, chosen, rejected } of rows) {
      const [picture] = images;
      const twin = byPicture.get(picture.replace(/[ab]\.png$/, (end) => (end === 'a.png' ? 'b.png' : 'a.png')))!;
      expect([twin.chosen.value, twin.rejected.value]).toEqual([rejected.value, chosen.value]);
    }
  });

  it('llmf check shows how many tokens a picture takes', async () => {
    const out = await command('check', 'model.path=runs/sft');
    expect(out).toContain('<|vision_start|><|image_pad|>×4 <|vision_end|>');
    expect(out).toContain('150 rows');
  });

  it('trains on pairs and evaluates with right and with shuffled pictures', async () => {
    await command('train', 'train.maxSteps=2', 'train.logEvery=1', 'train.evalEvery=2', 'data.maxEvalSamples=8');
    const rows = linesOf('runs/dpo/metrics.jsonl');
    expect(rows.find(({ step, loss }) => step === 1 && loss !== undefined)!['loss']).toBeCloseTo(Math.LN2, 4);
    const last = rows.findLast((row) => 'eval_loss' in row)!;
    for (const name of ['margins', 'margins_shuffled', 'accuracies', 'accuracies_shuffled']) {
      expect(last[`eval_image/${name}`]).toBeTypeOf('number');
    }
  });

  it('scores every pair with its picture', async () => {
    const held = 'data/held-out.json';
    await command('score', held, '--plugin', 'vision', '--model', 'runs/sft', '--output', 'scores.jsonl');
    const rows = linesOf('scores.jsonl') as { readonly chosen: { readonly logProbSum: number } }[];
    const scores = rows.map(({ chosen }) => chosen.logProbSum);
    expect(scores).toHaveLength(150);
    expect(scores.every((value) => value < 0 && value > -100)).toBe(true);
    expect(new Set(scores).size).toBeGreaterThan(100); // questions and answers are far fewer: pictures count
  });

  it('answers a question about a picture', async () => {
    const picture = `data/pictures/${readdirSync(join(folder, 'data', 'pictures'))[0]!}`;
    const words = ['--prompt', 'What colour is the cross?', '--greedy', '--max-new-tokens', '4'];
    const model = ['--plugin', 'vision', '--model', 'runs/sft'];
    expect((await command('generate', ...model, ...words, '--image', picture)).trim().length).toBeGreaterThan(0);
  });
});
