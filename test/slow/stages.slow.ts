// SPDX-License-Identifier: Apache-2.0
/** Stages over heads, vectors and several tasks, from the command line: trained, resumed, asked. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llmf, succeeded } from '../support/command.js';
import { firstRunCopy, metricsOf } from '../support/first-run.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
const path = (...parts: string[]) => join(copy.folder, ...parts);
const run = (...argv: string[]) => llmf(argv, { folder: copy.folder });
const linesOf = <T>(file: string) =>
  readFileSync(path(file), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
const write = (file: string, rows: readonly object[]) =>
  writeFileSync(path(file), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));

beforeAll(async () => {
  copy = await firstRunCopy();
  const pairs = (file: string) =>
    JSON.parse(readFileSync(path('data', file), 'utf8')) as { prompt: string; chosen: string; rejected: string }[];
  for (const [from, to] of [
    ['train.json', 'moods.jsonl'],
    ['held-out.json', 'held-out.jsonl'],
  ] as const) {
    write(
      to,
      pairs(from).flatMap(({ chosen, rejected }) => [
        { text: chosen, label: 'polite' },
        { text: rejected, label: 'rude' },
      ]),
    );
  }
  write(
    'texts.jsonl',
    pairs('train.json').map(({ chosen }) => ({ text: chosen })),
  );
  write(
    'similar.jsonl',
    pairs('train.json')
      .slice(0, 24)
      .map(({ prompt, chosen }) => ({ anchor: prompt, positive: chosen })),
  );
});
afterAll(() => copy.remove());

const common = [
  'model.path=model',
  'adapter=none',
  'train.batchSize=8',
  'train.gradientAccumulation=1',
  'train.logEvery=1',
];
const train = async (output: string, ...words: string[]) =>
  succeeded(await run('train', ...common, `output=runs/${output}`, ...words));

describe('classification', () => {
  it('learns classes by name, whose probabilities `score` then gives', async () => {
    const said = await train(
      'moods',
      'stage=classification',
      'data.train=[{ path: moods.jsonl }]',
      'data.eval=[{ path: held-out.jsonl }]',
      'train.maxSteps=50',
      'train.batchSize=16',
      'train.learningRate=2e-3',
    );
    expect(said).toContain('labels of the training rows: polite, rude');
    const last = (await metricsOf(path('runs', 'moods'))).findLast((row) => 'eval_accuracy' in row)!;
    expect(last['eval_accuracy']).toBeGreaterThan(0.95);
    expect(last['eval_f1']).toBeGreaterThan(0.95);
    expect(JSON.parse(readFileSync(path('runs', 'moods', 'config.json'), 'utf8'))).toMatchObject({
      id2label: { 0: 'polite', 1: 'rude' },
      problem_type: 'single_label_classification',
    });
    succeeded(await run('score', 'held-out.jsonl', '--model', 'runs/moods', '--output', 'scores.jsonl'));
    const rows = linesOf<{ response: { label: string; probabilities: Record<string, number> } }>('scores.jsonl');
    const given = linesOf<{ label: string }>('held-out.jsonl');
    const right = rows.filter(({ response }, at) => response.label === given[at]!.label).length / rows.length;
    expect(right).toBeCloseTo(last['eval_accuracy']!, 5);
    for (const { response } of rows) {
      expect(response.probabilities['polite']! + response.probabilities['rude']!).toBeCloseTo(1, 6);
    }
  });
});

describe('contrastive', () => {
  it('makes vectors, which `embed` writes as the folder says', async () => {
    await train(
      'near',
      'stage=contrastive',
      'stage.pooling=last',
      'data.train=[{ path: similar.jsonl }]',
      'data.eval=null',
      'train.maxSteps=2',
      'train.learningRate=1e-3',
    );
    succeeded(await run('embed', 'similar.jsonl', '--model', 'runs/near', '--output', 'vectors.jsonl'));
    const [first] = linesOf<{ row: number; anchor: number[]; positive: number[] }>('vectors.jsonl');
    expect(first!.row).toBe(1);
    expect(Math.hypot(...first!.anchor)).toBeCloseTo(1, 5);
    expect(JSON.parse(readFileSync(path('runs', 'near', '1_Pooling', 'config.json'), 'utf8'))).toMatchObject({
      pooling_mode_lasttoken: true,
      pooling_mode_mean_tokens: false,
    });
  });

  it('needs others to compare with', async () => {
    const { status, err } = await run(
      'train',
      ...common,
      'stage=contrastive',
      'data.train=[{ path: similar.jsonl }]',
      'output=runs/none',
      'train.batchSize=1',
    );
    expect(status).toBe(1);
    expect(err).toContain('LLMF_STAGES_ONE_ROW');
  });
});

describe('multitask', () => {
  const tasks = [
    'stage={ name: multitask, tasks: { prose: { stage: contextual, objective: prefix }, mood: { stage: classification, weight: 0.5 } } }',
    'data.train=[{ path: texts.jsonl, task: prose }, { path: moods.jsonl, task: mood }]',
    'data.eval=[{ path: held-out.jsonl, task: mood }]',
    'train.learningRate=1e-3',
    'train.saveEvery=2',
  ];

  it('sums the losses of its tasks, logs each apart, and goes on to the same bits', async () => {
    await train('whole', ...tasks, 'train.maxSteps=4');
    const rows = await metricsOf(path('runs', 'whole'));
    const { loss, ...first } = rows.find((row) => row['step'] === 1)!;
    expect(loss).toBeCloseTo(first['prose/loss']! + 0.5 * first['mood/loss']!, 4);
    expect(first).toHaveProperty('mood/accuracy');
    expect(rows.find((row) => 'eval_mood/accuracy' in row)).toBeDefined();
    const heads = JSON.parse(readFileSync(path('runs', 'whole', 'heads.json'), 'utf8')) as { name: string }[];
    expect(heads).toMatchObject([{ name: 'mood', labels: ['polite', 'rude'] }]);
    await train('parts', ...tasks, 'train.maxSteps=2');
    succeeded(await run('train', ...common, 'output=runs/parts', ...tasks, 'train.maxSteps=4', '--resume'));
    for (const file of ['model.safetensors', 'heads.safetensors']) {
      expect(
        Buffer.compare(readFileSync(path('runs', 'parts', file)), readFileSync(path('runs', 'whole', file))),
        file,
      ).toBe(0);
    }
  });

  it.each([
    ['tasks: { mood: { stage: classification } }', 'LLMF_STAGES_TASKS'],
    ['tasks: { a: { stage: sft, lables: 2 }, b: { stage: sft } }', 'LLMF_STAGES_TASK_OPTION'],
    ['tasks: { a: { stage: multitask }, b: { stage: sft } }', 'LLMF_STAGES_TASK_STAGE'],
    ['tasks: { prose: { stage: pretrain }, other: { stage: classification } }', 'LLMF_DATA_TASK'],
  ])('refuses %s', async (given, code) => {
    const { status, err } = await run(
      'train',
      ...common,
      `stage={ name: multitask, ${given} }`,
      tasks[1]!,
      'output=runs/none',
    );
    expect(err).toContain(code);
    expect(status).toBe(1);
  });
});
