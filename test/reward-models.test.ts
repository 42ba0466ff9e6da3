// SPDX-License-Identifier: Apache-2.0
/** A reward model from the command line: trained whole and as an adapter, continued, merged, and asked for scores. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy, metricsOf } from './support/first-run.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const run = (...argv: string[]) => llmf(argv, { folder: copy.folder });
const train = async (output: string, ...words: string[]) =>
  succeeded(
    await run(
      'train',
      '--plugin',
      'algo-reward',
      `output=runs/${output}`,
      'train.learningRate=1e-3',
      'train.maxSteps=40',
      'train.gradientAccumulation=1',
      'train.evalOnStart=false',
      'train.logEvery=1',
      ...words,
    ),
  );

interface Answer {
  readonly score: number;
  readonly tokens: number;
}
type Row = { readonly row: number } & Readonly<Record<string, Answer>>;
async function scores<R = Row>(data: string, ...flags: string[]): Promise<R[]> {
  succeeded(await run('score', data, '--output', 'scores.jsonl', ...flags));
  const lines = readFileSync(join(copy.folder, 'scores.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as R);
}
const accuracyOf = (rows: readonly Row[]) =>
  rows.filter(({ chosen, rejected }) => chosen!.score > rejected!.score).length / rows.length;
const configOf = (...parts: string[]) =>
  JSON.parse(readFileSync(join(copy.folder, 'runs', ...parts), 'utf8')) as object;

describe('a reward model of every weight', () => {
  it('learns pairs, is saved as a classifier, and scores answers', { timeout: 240_000 }, async () => {
    const checked = succeeded(await run('check', '--plugin', 'algo-reward', 'adapter=none'));
    expect(checked).toContain('kept for the reverse pass');
    expect(checked).not.toMatch(/^ *logits/m); // the head that reads one token stands in their place
    await train('whole', 'adapter=none');
    const last = (await metricsOf(join(copy.folder, 'runs', 'whole'))).findLast((row) => 'eval_accuracy' in row)!;
    expect(last['eval_accuracy']).toBeGreaterThan(0.9);
    expect(configOf('whole', 'config.json')).toMatchObject({ num_labels: 1, id2label: { 0: 'LABEL_0' } });
    const rows = await scores('data/held-out.json', '--model', 'runs/whole');
    expect(accuracyOf(rows)).toBeGreaterThan(0.9);
    expect(Object.keys(rows[0]!)).toEqual(['row', 'chosen', 'rejected']);
    expect(Object.keys(rows[0]!['chosen']!)).toEqual(['score', 'tokens']);
  });

  it('goes on from its folder, but is no language model', async () => {
    expect(await train('on', 'adapter=none', 'model.path=runs/whole', 'train.maxSteps=1')).toMatch(
      /head score: continued from .*whole/,
    );
    const supervised = await run('train', '--plugin', 'loss-simpo', 'model.path=runs/whole', 'output=runs/none');
    expect(supervised.err).toContain('LLMF_TRAINING_HEAD_UNUSED');
    const answers = await run('generate', '--model', 'runs/whole', '--prompt', 'Hello');
    expect(answers.err).toContain('LLMF_CLI_CLASSIFIER_ANSWERS');
    const tokens = await run('score', 'data/held-out.json', '--model', 'runs/whole', '--output', 'x', '--tokens');
    expect(tokens.err).toContain('LLMF_CLI_TOKENS_OF_CLASSIFIER');
  });
});

describe('a reward model as an adapter', () => {
  it(
    'is PEFT’s SEQ_CLS, scores on its base, goes on, and is merged to the same scores',
    { timeout: 240_000 },
    async () => {
      await train('lora', 'adapter=lora', 'train.learningRate=5e-3');
      expect(configOf('lora', 'adapter_config.json')).toMatchObject({
        task_type: 'SEQ_CLS',
        modules_to_save: ['classifier', 'score'],
      });
      const flags = ['--model', 'model', '--adapter', 'runs/lora'];
      const rows = await scores('data/held-out.json', ...flags, '--precision', 'f32');
      expect(accuracyOf(rows)).toBeGreaterThan(0.9);
      expect(await train('lora-on', 'adapter={ name: lora, path: runs/lora }', 'train.maxSteps=1')).toMatch(
        /head score: continued from .*lora/,
      );
      expect(succeeded(await run('merge', ...flags, '--output', 'merged', '--dtype', 'F32'))).toContain(
        'score difference',
      );
      for (const [at, row] of (await scores('data/held-out.json', '--model', 'merged', '--precision', 'f32')).entries())
        expect(row['chosen']!.score).toBeCloseTo(rows[at]!['chosen']!.score, 3);
      expect((await run('generate', ...flags, '--prompt', 'Hello')).err).toContain('LLMF_CLI_CLASSIFIER_ANSWERS');
    },
  );
});

describe('rankings of more than two', () => {
  it('are learned by Plackett–Luce, with Kendall’s τ, and each answer is scored', { timeout: 240_000 }, async () => {
    const rows = Array.from({ length: 24 }, (_, at) => ({
      prompt: `What is a thing of number ${at}?`,
      responses: ['It is a tool.', 'It is a tool. Take care!', 'It is a tool. Go away!'],
      scores: [2, 3, 1],
    }));
    rows[5]!.scores = [2, 2, 1];
    writeFileSync(join(copy.folder, 'ranked.json'), JSON.stringify(rows));
    const words = ['data.train=[{ path: ranked.json }]', 'data.eval=null', 'train.maxSteps=20', 'adapter=none'];
    await train('ranked', ...words);
    const metrics = (await metricsOf(join(copy.folder, 'runs', 'ranked'))).filter((row) => 'loss' in row);
    expect(metrics.at(-1)!['kendall_tau']).toBe(1);
    expect(metrics[0]!['loss']).toBeGreaterThan(1); // log 3! = 1.79 of three equal scores
    const report = readFileSync(join(copy.folder, 'runs', 'ranked', 'data-report.jsonl'), 'utf8');
    expect(report).toMatch(/"row":6.*same score/);
    const [first] = await scores<{ responses: Answer[] }>('ranked.json', '--model', 'runs/ranked');
    const [best, middle, worst] = first!.responses.map(({ score }) => score);
    expect(best).toBeGreaterThan(middle!);
    expect(middle).toBeGreaterThan(worst!);
  });
});
