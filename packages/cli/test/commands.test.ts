// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromFloat32, readSafetensors, toFloat32, writeSafetensors } from '@llmf/core';
import { testData } from '@llmf/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestFolder } from './support/folder.js';
import { testIo } from './support/test-io.js';
import { jsonLines, makeTinyModel, tinyPairs } from './support/tiny-model.js';

let folder: TestFolder;
beforeAll(async () => {
  folder = await TestFolder.create();
  await makeTinyModel(folder);
  await folder.write('pairs.jsonl', jsonLines(tinyPairs));
  await folder.write('single.jsonl', jsonLines(tinyPairs.map(({ prompt, chosen }) => ({ prompt, response: chosen }))));
});
afterAll(() => folder.remove());

const hashOf = async (file: string) =>
  createHash('sha256')
    .update(await readFile(join(folder.path, file)))
    .digest('hex');

/** Runs a command that must succeed. */
async function llmf(...argv: string[]): Promise<string> {
  const { status, out, err } = await folder.llmf(...argv);
  expect({ status, err: status === 0 ? '' : err }).toEqual({ status: 0, err: '' });
  return out;
}

interface Score {
  readonly logProbSum: number;
  readonly tokens: number;
  readonly logProbs?: readonly number[];
}
type ScoredRow = { readonly row: number; readonly dropped?: string } & Readonly<Record<string, Score>>;

async function score(data: string, ...flags: string[]): Promise<ScoredRow[]> {
  await llmf('score', data, '--model', 'model', '--backend', 'js', '--output', 'scores.jsonl', ...flags);
  const text = await folder.read('scores.jsonl');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ScoredRow);
}

/** A plugin: of the second model that is loaded, weights are 0 and their names forgotten. */
const changesSecondModel = `
  const change = (count) => async (model) => {
    if (++count < 2) return model;
    for (const { value } of model.parameters.values()) (await value.data()).fill(0);
    model.parameters.clear();
    return model;
  };
  const apply = (engine) => engine.hooks.run.tap('change', (run) => {
    run.container.resolve(Symbol.for('llmf:training-hooks')).modelLoaded.tapPromise('change', change(0));
  });
  export default () => ({ name: 'change', apiVersion: 2, apply });
`;

describe('llmf init', () => {
  it('makes a model folder with the tokenizer’s files', async () => {
    expect((await folder.list('model')).toSorted()).toEqual([
      'config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
  });

  it('gives the same bits for the same seed, others for another', async () => {
    await makeTinyModel(folder, { name: 'again' });
    await makeTinyModel(folder, { name: 'other', seed: 2 });
    expect(await hashOf('again/model.safetensors')).toBe(await hashOf('model/model.safetensors'));
    expect(await hashOf('other/model.safetensors')).not.toBe(await hashOf('model/model.safetensors'));
  });
});

describe('llmf score', () => {
  it('gives sum and count of chosen and rejected, and with --tokens the summands', async () => {
    const rows = await score('pairs.jsonl', '--tokens');
    expect(rows.map(({ row }) => row)).toEqual([1, 2, 3, 4]);
    for (const { chosen, rejected } of rows) {
      for (const { logProbSum, tokens, logProbs } of [chosen!, rejected!]) {
        expect(logProbs).toHaveLength(tokens);
        expect(logProbSum).toBeCloseTo(
          logProbs!.reduce((sum, value) => sum + value, 0),
          10,
        );
        expect(Math.max(...logProbs!)).toBeLessThan(0);
        expect(logProbSum / tokens).toBeGreaterThan(2 * Math.log(1 / 512)); // nothing learned: near uniform over 512
      }
    }
  });

  it('gives a row the same numbers alone, among others, and as a single answer', async () => {
    const together = await score('pairs.jsonl', '--batch-size', '4');
    const alone = await score('pairs.jsonl', '--batch-size', '1');
    const single = await score('single.jsonl', '--batch-size', '3');
    for (const [index, row] of together.entries()) {
      expect(alone[index]!['chosen']!.logProbSum).toBeCloseTo(row['chosen']!.logProbSum, 4);
      expect(single[index]!['response']!.logProbSum).toBeCloseTo(row['chosen']!.logProbSum, 4);
      expect(single[index]!['response']!.tokens).toBe(row['chosen']!.tokens);
    }
  });

  it('scores token ids without a tokenizer', async () => {
    const ids = { promptIds: [5, 6, 7], responseIds: [8, 9] };
    const pair = { promptIds: [5, 6, 7], chosenIds: [8, 9], rejectedIds: [10, 11, 12] };
    await folder.write('ids.jsonl', jsonLines([ids]));
    await folder.write('pair-ids.jsonl', jsonLines([pair]));
    const [single] = await score('ids.jsonl');
    const [both] = await score('pair-ids.jsonl');
    expect(single!['response']!.tokens).toBe(2);
    expect(both!['rejected']!.tokens).toBe(3);
    expect(both!['chosen']!.logProbSum).toBeCloseTo(single!['response']!.logProbSum, 4);
  });

  it('takes columns of other names', async () => {
    await folder.write('qa.jsonl', jsonLines(tinyPairs.map(({ prompt, chosen }) => ({ q: prompt, a: chosen }))));
    const named = await score('qa.jsonl', 'data.train.0.columns={prompt: q, response: a}');
    expect(named).toEqual(await score('single.jsonl'));
  });

  it('counts the end of turn of a chat, and only the text without a template', async () => {
    const chat = await score('single.jsonl');
    const plain = await score('single.jsonl', '--template', 'none');
    expect(chat[0]!['response']!.tokens).toBe(plain[0]!['response']!.tokens + 1);
  });

  it('says in its place why a row was left out', async () => {
    await folder.write('gaps.jsonl', jsonLines([tinyPairs[0], { prompt: 'What?', chosen: 'It is.' }, tinyPairs[1]]));
    const rows = await score('gaps.jsonl');
    expect(rows.map(({ row }) => row)).toEqual([1, 2, 3]);
    expect(rows[1]!.dropped).toContain('missing');
    expect(rows[2]!['chosen']!.tokens).toBeGreaterThan(0);
  });

  const stories = testData('weights', 'stories260K-hf');
  it.skipIf(stories === null)(
    'agrees with Transformers on a trained model (skipped without the shared data)',
    async () => {
      // float64 log-softmax over Transformers' f32 logits, tokens of prompt and answer joined: oracles/cli/score.py
      await folder.write(
        'story.jsonl',
        jsonLines([{ prompt: 'Once upon a time', response: ', there was a little girl.' }]),
      );
      const flags = [
        '--model',
        stories!,
        '--template',
        'none',
        '--tokens',
        '--output',
        'story-scores.jsonl',
        '--precision',
        'f32',
        '--backend',
        'js',
      ];
      await llmf('score', 'story.jsonl', ...flags);
      const { response } = JSON.parse(await folder.read('story-scores.jsonl')) as { response: Score };
      expect(response.tokens).toBe(10);
      expect(response.logProbSum).toBeCloseTo(-29.458554631943528, 3);
      for (const [index, expected] of [-9.366797222510767, -13.44400239622864, -0.10753278782177027].entries()) {
        expect(response.logProbs![index]).toBeCloseTo(expected, 4);
      }
    },
  );
});

describe('a model with a weight that is NaN', () => {
  const broken = async (dtype: 'F32' | 'BF16') => {
    await cp(join(folder.path, 'model'), join(folder.path, `nan-${dtype}`), { recursive: true });
    const file = join(folder.path, `nan-${dtype}`, 'model.safetensors');
    const tensors = Object.entries(await readSafetensors(file)).map(([name, tensor]) => {
      const values = toFloat32(tensor);
      if (name === 'model.layers.0.mlp.up_proj.weight') values[0] = NaN;
      return [name, { ...tensor, dtype, data: fromFloat32(values, dtype) }] as const;
    });
    await writeSafetensors(file, Object.fromEntries(tensors));
    return `nan-${dtype}`;
  };

  /** Frozen weights are taken as the file has them: a result must show it. */
  it.each(['F32', 'BF16'] as const)('is named by score, generate and train, kept in %s', async (dtype) => {
    const flags = ['--model', await broken(dtype), '--precision', 'f32', '--backend', 'js'];
    const scored = await folder.llmf('score', 'single.jsonl', ...flags, '--output', 'none.jsonl');
    const generated = await folder.llmf('generate', '--prompt', 'hi', ...flags);
    const data = ['data.train=[{path: single.jsonl}]', 'stage=sft', 'backend=js', `output=trained-${dtype}`];
    const trained = await folder.llmf('train', `model.path=nan-${dtype}`, ...data);
    for (const { status, err } of [scored, generated, trained]) {
      expect(status).toBe(1);
      expect(err).toMatch(/model\.layers\.0\.mlp\.up_proj\.weight/);
    }
    expect(scored.err).toContain('LLMF_CLI_SCORE_NOT_FINITE');
    expect(trained.err).toContain('LLMF_TRAINING_MODEL_NOT_FINITE');
    expect(await folder.list('.')).not.toContain('none.jsonl');
  });
});

describe('llmf train, then generate and score with the adapter', () => {
  const config = [
    'model: { path: model }',
    'stage: sft',
    'data: { train: [{ path: single.jsonl }] }',
    'adapter: { rank: 4 }',
    'backend: wasm',
    'train: { maxSteps: 30, batchSize: 4, gradientAccumulation: 1, learningRate: 0.01, schedule: constant, warmupRatio: 0 }',
    'output: run',
  ].join('\n');

  beforeAll(async () => {
    await folder.write('llmf.yaml', config);
    await llmf('train');
  });

  it('learned the answers', async () => {
    const losses = (await folder.read('run/metrics.jsonl'))
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { loss?: number }).loss)
      .filter((loss) => loss !== undefined);
    expect(losses[0]).toBeGreaterThan(4);
    expect(losses.at(-1)).toBeLessThan(1); // the frozen head, 0.1 · N(0, 1), leaves no answer surer than about 0.6 nats
  });

  it('scores them higher than before', async () => {
    const before = await score('single.jsonl');
    const after = await score('single.jsonl', '--adapter', 'run');
    for (const [index, row] of after.entries()) {
      expect(row['response']!.logProbSum).toBeGreaterThan(before[index]!['response']!.logProbSum + 10);
    }
  });

  it('generates one of them, on standard output alone and the same each time', async () => {
    const ask = () =>
      llmf(
        'generate',
        '--backend',
        'js',
        '--model',
        'model',
        '--adapter',
        'run',
        '--prompt',
        'What is a flute?',
        '--greedy',
        '--max-new-tokens',
        '30',
      );
    const answer = await ask();
    expect(answer).toBe('It is an instrument.\n');
    expect(await ask()).toBe(answer);
  });

  it('ends and chooses as generation_config.json says, and says what of it is not applied', async () => {
    await cp(join(folder.path, 'model'), join(folder.path, 'own-settings'), { recursive: true });
    const ask = async (settings: object, ...flags: string[]) => {
      await folder.write('own-settings/generation_config.json', JSON.stringify(settings));
      const words = ['--model', 'own-settings', '--adapter', 'run', '--prompt', 'What is a flute?', ...flags];
      const { status, out, err } = await folder.llmf('generate', '--backend', 'js', ...words);
      expect(status).toBe(0);
      return { out, err };
    };
    const whole = 'It is an instrument.\n';
    const greedy = await ask({ do_sample: false, num_beams: 4 });
    expect(greedy.out).toBe(whole);
    expect(greedy.err).toContain('generation_config.json: greedy (do_sample false)');
    expect(greedy.err).toContain('warning: generation_config.json asks for what is not applied: num_beams 4');
    const tokenizer = JSON.parse(await folder.read('model/tokenizer.json')) as {
      model: { vocab: Record<string, number> };
    };
    const dot = tokenizer.model.vocab['.']!;
    const first = tokenizer.model.vocab['It']!;
    expect((await ask({ do_sample: false, eos_token_id: [dot, first] })).out).toBe('It\n');
    expect((await ask({ do_sample: false, suppress_tokens: [first] })).out).not.toMatch(/^It/);
    expect((await ask({ do_sample: false, max_new_tokens: 1 }, '--max-new-tokens', '30')).out).toBe(whole);
    expect((await ask({ do_sample: false, max_new_tokens: 1 })).out.length).toBeLessThan(whole.length);
  });

  it('samples by seed, and no more tokens than asked for', async () => {
    const ask = (seed: string) =>
      llmf(
        'generate',
        '--backend',
        'js',
        '--model',
        'model',
        '--prompt',
        'What',
        '--seed',
        seed,
        '--max-new-tokens',
        '8',
        '--temperature',
        '2',
      );
    expect(await ask('1')).toBe(await ask('1'));
    expect(await ask('1')).not.toBe(await ask('2'));
  });

  it('chats, one answer per line, until an empty line', async () => {
    const io = testIo({ folder: folder.path, typed: ['What is a flute?', '', 'never asked'] });
    const { status, out } = await folder.llmfWith(
      io,
      'chat',
      '--backend',
      'js',
      '--model',
      'model',
      '--adapter',
      'run',
      '--greedy',
    );
    expect({ status, out }).toEqual({ status: 0, out: 'It is an instrument.\n' });
  });

  it('merges the adapter into the weights and proves it', async () => {
    const out = await llmf('merge', '--model', 'model', '--adapter', 'run', '--output', 'merged', '--backend', 'js');
    expect(out).toContain('merged 14 layers'); // q, k, v, o, gate, up, down of 2 blocks
    expect(Number(/difference ([\d.e-]+)/.exec(out)![1])).toBeLessThan(1e-3);
    const adapted = await score('single.jsonl', '--adapter', 'run');
    const merged = await score('single.jsonl', '--model', 'merged');
    for (const [index, row] of merged.entries()) {
      expect(row['response']!.logProbSum).toBeCloseTo(adapted[index]!['response']!.logProbSum, 3);
    }
  });

  it.each([
    ['merge', ['--adapter', 'run', '--dtype', 'F32', '--backend', 'js'], 'LLMF_CLI_MERGE_DIFFERS'],
    ['quantize', ['--format', 'nf4'], 'LLMF_CLI_READ_BACK'],
  ])('%s makes no folder where what it wrote reads back as another model', async (command, flags, code) => {
    const argv = [command, '--model', 'model', ...flags, '--output', `changed-${command}`];
    await folder.write('change-second-model.mjs', changesSecondModel);
    const { status, err } = await folder.llmf(...argv, '--plugin', './change-second-model.mjs');
    expect([status, err]).toEqual([1, expect.stringContaining(code)]);
    expect(existsSync(join(folder.path, `changed-${command}`))).toBe(false);
  });

  it('merges into no folder that holds weights, least of all those of the base model', async () => {
    const before = await hashOf('model/model.safetensors');
    const { status, err } = await folder.llmf('merge', '--model', 'model', '--adapter', 'run', '--output', 'model');
    expect(status).toBe(1);
    expect(err).toMatch(/LLMF_CORE_OUTPUT_HOLDS_WEIGHTS[^]*model\.safetensors/);
    expect(await hashOf('model/model.safetensors')).toBe(before);
  });

  it('checks without training: choices, steps, lengths, the first example with what is learned', async () => {
    const before = await folder.list();
    const out = await llmf('check', 'output=never');
    for (const part of [
      'stage: sft',
      'loss: sft',
      'rank 4',
      'batch 4 × 1 accumulation = 4 rows per step',
      '4 rows',
      '⟦',
    ]) {
      expect(out).toContain(part);
    }
    expect((await folder.list()).filter((name) => !name.startsWith('.'))).toEqual(
      before.filter((name) => !name.startsWith('.')),
    );
  });
});

describe('llmf plugins, env, schema', () => {
  it('lists what each plugin brings', async () => {
    const out = await llmf('plugins');
    expect(out).toMatch(/loaded\n[^]*stages[^]*\n {6}stage pretrain, sft, preference[^\n]*\n[^]*installed here/);
    expect(out).toContain('architecture llama, mistral, qwen2, qwen3, gpt2');
  });

  it('tells versions, hardware and backends', async () => {
    const out = await llmf('env');
    for (const part of [process.version, 'llmf ', 'processor', 'memory', 'backend wasm', '@llmf/core'])
      expect(out).toContain(part);
  });

  it('prints a JSON Schema with the keys of all plugins', async () => {
    const schema = JSON.parse(await llmf('schema')) as { properties: Record<string, unknown> };
    expect(Object.keys(schema.properties)).toEqual(
      expect.arrayContaining(['model', 'data', 'train', 'loss', 'stage', 'adapter', 'reference', 'backend', 'output']),
    );
  });
});
