// SPDX-License-Identifier: Apache-2.0
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readSafetensors } from '@llmf/core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TestFolder, toyPlugin } from './support/folder.js';
import { testIo } from './support/test-io.js';
import { makeTinyModel } from './support/tiny-model.js';

let folder: TestFolder;
beforeEach(async () => {
  folder = await TestFolder.create();
});
afterEach(async () => {
  delete (globalThis as { toyStep?: unknown }).toyStep;
  await folder.remove();
});

const pipeline = (value: object) => folder.write('pipeline.json', JSON.stringify(value));
const llmf = (...argv: string[]) => folder.llmf('run', 'pipeline.json', ...argv);
const onStep = (act: (step: number) => void) => Object.assign(globalThis, { toyStep: act });

const toy = { plugins: [toyPlugin], stage: 'toy', backend: 'toy', model: { path: './model' } };
const data = { train: [{ path: 'rows.jsonl' }] };
const two = { common: { ...toy, data }, stages: { first: {}, second: { train: { seed: 7 } } } };

describe('llmf run', () => {
  it('runs the stages in order and reports them', async () => {
    await pipeline(two);
    const { status, out, err } = await llmf();
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(/stage 1 of 2: first[^]*stage 2 of 2: second[^]*report: .*runs\/pipeline\/report\.html/);
    expect(out).toMatch(/^second {2}.* 8 steps .*loss 0\.933 → 0\.5743/m);
    expect(await folder.read('runs/pipeline/report.html')).toMatch(/<h2 id="second">[^]*<svg/);
    const { stages } = JSON.parse(await folder.read('runs/pipeline/report.json')) as { stages: { name: string }[] };
    expect(stages.map(({ name }) => name)).toEqual(['first', 'second']);
  });

  it('lays the keys of a stage over the common ones, section by section', async () => {
    await pipeline({ ...two, common: { ...two.common, train: { maxSteps: 2, seed: 5 } } });
    expect((await llmf()).status).toBe(0);
    const { config } = JSON.parse(await folder.read('runs/pipeline/second/run.json')) as {
      config: { train: { seed: number; maxSteps: number } };
    };
    expect(config.train).toMatchObject({ seed: 7, maxSteps: 2 });
  });

  it('stops in a stage at Ctrl-C, and goes on there with --resume', async () => {
    await pipeline(two);
    const io = testIo({ folder: folder.path });
    let steps = 0;
    onStep(() => ++steps === 11 && io.interrupt()); // the third step of the second stage
    const first = await folder.llmfWith(io, 'run', 'pipeline.json');
    expect(first).toMatchObject({ status: 130 });
    expect(first.out).toContain('interrupted; continue with --resume');

    const second = await llmf('--resume');
    expect(second.status).toBe(0);
    expect(second.out).toContain('stage 1 of 2: first is finished');
    expect(second.out).toContain('resumed at step 3');
    expect(steps).toBe(16);
  });

  it('refuses to run into the folder of an earlier run', async () => {
    await pipeline(two);
    await llmf();
    expect((await llmf()).err).toContain('LLMF_CLI_PIPELINE_IN_USE');
  });

  it('checks the configs of all stages before the first one starts, with file and line', async () => {
    await folder.write(
      'pipeline.yaml',
      `common: ${JSON.stringify({ ...toy, data })}\nstages:\n  first: {}\n  second:\n    train: { learningRat: 1 }\n`,
    );
    const { status, err } = await folder.llmf('run', 'pipeline.yaml');
    expect(status).toBe(1);
    expect(err).toContain('LLMF_CORE_UNKNOWN_KEY');
    expect(err).toMatch(/pipeline\.yaml:5:14/);
    expect(err).toContain('learningRate');
    expect(await folder.list()).toEqual(['pipeline.yaml']);
  });

  it.each([
    ['a stage that does not exist', { a: { from: 'b' } }, /there is no stage "b"[^]*no `from` in the first stage/],
    ['a later stage', { a: { from: 'b' }, b: {} }, /stage "b" runs later/],
    ['a later stage inside the config', { a: { data: { x: { from: 'b' } } }, b: {} }, /stage "b" runs later/],
    ['two models', { a: {}, b: { from: 'a', model: { path: 'm' } } }, /PIPELINE_TWO_MODELS/],
    ['an output of its own', { a: { output: 'x' } }, /leave it out: the pipeline's output holds it/],
    ['a name that is no folder', { '../a': {} }, /a name of letters/],
    ['no stage', {}, /PIPELINE_EMPTY/],
    ['an unknown command', { a: { command: 'merg' } }, /PIPELINE_COMMAND[^]*merge/],
    ['a command that writes nothing', { a: { command: 'plugins' } }, /PIPELINE_COMMAND/],
    ['an unknown flag', { a: { command: 'merge', flags: { modl: 'x' } } }, /no option --modl[^]*--model/],
    ['a key beside a command', { a: { command: 'merge', model: 'x' } }, /LLMF_CORE_UNKNOWN_KEY/],
  ])('refuses %s', async (_title, stages, message) => {
    await pipeline({ common: { ...toy, data }, stages });
    const { status, err } = await llmf();
    expect(status).toBe(1);
    expect(err).toMatch(message);
    expect(await folder.list()).toEqual(['pipeline.json']);
  });

  it('refuses another config of a finished stage, and runs it again once its folder is gone', async () => {
    await pipeline(two);
    await llmf();
    await pipeline({ ...two, stages: { first: { train: { seed: 1 } }, second: two.stages.second } });
    expect((await llmf('--resume')).err).toMatch(/PIPELINE_STAGE_CHANGED[^]*train\.seed: 42 → 1/);
    await rm(join(folder.path, 'runs/pipeline/first'), { recursive: true });
    const { status, out } = await llmf('--resume');
    expect(status).toBe(0);
    expect(out).not.toContain('first is finished');
    expect(out).toContain('second is finished'); // it takes nothing from the first
  });

  it('says what a damaged record is', async () => {
    await pipeline(two);
    await llmf();
    await folder.write('runs/pipeline/pipeline.json', '{"finished": 1}');
    expect((await llmf('--resume')).err).toContain('LLMF_CLI_PIPELINE_STATE');
  });
});

describe('from', () => {
  const rows = '{"prompt":"What is a goat?","response":"It is an animal."}\n'.repeat(4);
  const pairs =
    '{"prompt":"What is a goat?","chosen":"It is an animal.","rejected":"It is an owl, is it not?"}\n'.repeat(4);
  const common = {
    model: { path: 'model' },
    backend: 'js',
    data: { maxLength: 64 },
    train: { maxSteps: 2, batchSize: 2, gradientAccumulation: 1 },
  };
  const supervised = { stage: 'sft', data: { train: [{ path: 'rows.jsonl' }] } };
  const preferred = { from: 'sft', plugins: ['loss-dpo'], data: { train: [{ path: 'pairs.jsonl' }] } };

  beforeEach(async () => {
    await makeTinyModel(folder);
    await folder.write('rows.jsonl', rows);
    await folder.write('pairs.jsonl', pairs);
  });

  const namesOf = async (stage: string) =>
    Object.keys(await readSafetensors(join(folder.path, 'runs/pipeline', stage, 'adapter_model.safetensors')));

  it('continues the adapter of a stage on the model it stands on, and merges it', async () => {
    const merged = { command: 'merge', flags: { model: 'model', adapter: { from: 'dpo' }, backend: 'js' } };
    await pipeline({ common, stages: { sft: supervised, dpo: preferred, merged } });
    const { status, out, err } = await llmf();
    expect({ status, err: status === 0 ? '' : err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(/merged \d+ layers into \S*runs\/pipeline\/merged\n/);
    const { config } = JSON.parse(await folder.read('runs/pipeline/dpo/run.json')) as {
      config: { model: { path: string }; adapter: { path: string } };
    };
    expect(config.model.path).toBe('model');
    expect(config.adapter.path).toBe('runs/pipeline/sft');
    expect(await namesOf('dpo')).toEqual(await namesOf('sft'));
    expect(await folder.list('runs/pipeline/merged')).toEqual(expect.arrayContaining(['model.safetensors']));

    await rm(join(folder.path, 'runs/pipeline/sft'), { recursive: true });
    const again = await llmf('--resume');
    expect(again.err).toMatch(/PIPELINE_STALE[^]*runs\/pipeline\/dpo/); // it began with the adapter that is gone
  }, 60_000);

  it('samples, labels and learns from what was preferred', async () => {
    await folder.write('rule.mjs', 'export default (samples) => samples.map(({ answer }) => answer.length);\n');
    const rule = 'rewards={name: function, path: ./rule.mjs}';
    const sampled = { model: 'model', adapter: { from: 'sft' }, answers: 3, maxNewTokens: 6, output: 'answers.jsonl' };
    await pipeline({
      common,
      stages: {
        sft: supervised,
        answers: { command: 'sample', arguments: ['pairs.jsonl'], flags: { ...sampled, backend: 'js' } },
        pairs: {
          command: 'label',
          arguments: [{ from: 'answers', file: 'answers.jsonl' }, rule],
          flags: { output: 'pairs.jsonl' },
        },
        dpo: { ...preferred, data: { train: [{ path: { from: 'pairs', file: 'pairs.jsonl' } }] } },
      },
    });
    const { status, err } = await llmf();
    expect({ status, err: status === 0 ? '' : err }).toEqual({ status: 0, err: '' });
    expect(await folder.list('runs/pipeline')).toEqual(expect.arrayContaining(['answers', 'pairs', 'dpo']));
  }, 60_000);

  it('takes a whole model as the model', async () => {
    await pipeline({ common: { ...common, adapter: 'none' }, stages: { sft: supervised, dpo: preferred } });
    const { model: _model, ...rest } = common;
    await pipeline({
      common: { ...rest, adapter: 'none' },
      stages: { sft: { ...supervised, model: { path: 'model' } }, dpo: preferred },
    });
    const { status, err } = await llmf();
    expect({ status, err: status === 0 ? '' : err }).toEqual({ status: 0, err: '' });
    const { config } = JSON.parse(await folder.read('runs/pipeline/dpo/run.json')) as {
      config: { model: { path: string } };
    };
    expect(config.model.path).toBe('runs/pipeline/sft');
  }, 60_000);

  it('refuses to begin with what is no model', async () => {
    const sampled = { command: 'sample', arguments: ['rows.jsonl'] };
    const flags = { model: 'model', answers: 1, maxNewTokens: 2, backend: 'js', output: 'answers.jsonl' };
    await pipeline({
      common,
      stages: { answers: { ...sampled, flags }, sft: { ...supervised, from: 'answers', model: {} } },
    });
    expect((await llmf()).err).toMatch(/PIPELINE_WROTE_NOTHING[^]*runs\/pipeline\/answers/);
  }, 60_000);

  it('refuses an adapter of another kind over one that was written', async () => {
    await pipeline({ common, stages: { sft: supervised, dpo: { ...preferred, adapter: 'none' } } });
    const { status, err } = await llmf();
    expect(status).toBe(1);
    expect(err).toMatch(/PIPELINE_ADAPTER[^]*command: merge/);
  }, 60_000);
});
