// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Engine, Slot } from '../contracts/engine.js';
import { apiVersion } from '../contracts/plugin.js';
import type { Plugin } from '../contracts/engine.js';
import { RowKindToken, StageToken, type Stage } from '../contracts/stage.js';
import { token, type Named } from '../contracts/token.js';
import { BackendToken, type BackendProvider } from '../contracts/backend.js';
import { createEngine } from '../engine/engine.js';
import { LlmfError } from '../errors.js';
import { applyOverrides } from './overrides.js';
import { parseYaml } from './parse-config.js';
import { resolveConfig } from './resolve-config.js';
import type { RunConfig } from './run-config.js';

interface Loss extends Named {
  readonly rows: string;
}
const LossToken = token<Loss>('test-loss');
const loss = (name: string, rows: string, options?: Named['options']): Loss => ({
  name,
  rows,
  ...(options ? { options } : {}),
});
/** As training declares it: the stage may follow from the losses' rows. */
const lossSlot: Slot = {
  key: 'loss',
  token: LossToken,
  description: 'Loss.',
  default: null,
  many: true,
  brought: true,
  implies: (key, losses, engine) => {
    const rows = new Set(losses.map(({ name }) => engine.find(LossToken, name).rows));
    const fit = engine.container.resolveAll(StageToken).filter((each) => rows.has(each.rows));
    return key === 'stage' && rows.size === 1 && fit.length === 1 ? fit[0]!.name : null;
  },
};
const stage = (name: string, rows: string, defaultLoss: string | null): Stage => ({
  name,
  rows,
  ...(defaultLoss === null ? {} : { defaults: { loss: defaultLoss } }),
  prepare: () => Promise.reject(new Error('not prepared here')),
});
const backend = (name: string, options: Named['options']): BackendProvider => ({
  name,
  ...(options ? { options } : {}),
  priority: 1,
  unavailable: () => Promise.resolve(null),
  start: () => Promise.reject(new Error('not started here')),
});
const AdapterToken = token<Named>('test-adapter');
const plugin = (name: string, apply: (engine: Engine) => void, options?: Named['options']): Plugin => ({
  name,
  apiVersion,
  ...(options ? { options } : {}),
  apply,
});

const simpo = plugin('loss-simpo', (engine) =>
  engine.provide(LossToken, loss('simpo', 'pair', z.strictObject({ beta: z.number().positive().default(2) }))),
);
const sft = plugin('loss-sft', (engine) => engine.provide(LossToken, loss('sft', 'single')));
const stages = plugin('stages', (engine) => {
  engine.slot(lossSlot);
  engine.provide(StageToken, stage('sft', 'single', 'sft'));
  engine.provide(StageToken, stage('preference', 'pair', null));
});
const backends = plugin('backends', (engine) => {
  engine.provide(BackendToken, backend('wasm', z.strictObject({ threads: z.int().min(1).default(1) })));
});
const adapters = plugin('adapters', (engine) => {
  engine.provide(AdapterToken, { name: 'lora', options: z.strictObject({ rank: z.int().min(1).default(8) }) });
  engine.slot({ key: 'adapter', token: AdapterToken, description: 'Adapter.', default: 'lora', none: ['none'] });
});
const data = plugin(
  'data',
  () => {},
  z.strictObject({
    train: z.array(z.strictObject({ path: z.string(), weight: z.number().default(1) })).min(1),
    template: z.string().default('auto'),
    split: z.union([z.number(), z.strictObject({ share: z.number() })]).optional(),
  }),
);
/** Not strict: zod would drop unknown keys without a word. */
const careless = plugin('careless', () => {}, z.object({ level: z.number().default(1) }));

const base = 'stage: preference\nloss: simpo\ndata: { train: [{ path: a.json }] }\n';

interface Resolving {
  readonly overrides?: string[];
  readonly named?: Plugin[];
  readonly extra?: Plugin[];
  readonly folder?: string;
}

async function resolve(
  text: string,
  { overrides = [], named = [], extra = [], folder }: Resolving = {},
): Promise<RunConfig> {
  const engine = createEngine();
  for (const each of [simpo, sft, stages, backends, adapters, data, careless, ...extra]) engine.use(each);
  const parsed = parseYaml(text, 'llmf.yaml');
  const input = { raw: parsed.data as Record<string, unknown>, source: parsed.source, folder: '.', file: null };
  const { raw, source } = applyOverrides(input, overrides);
  return resolveConfig(engine, raw, { source, named, ...(folder === undefined ? {} : { folder }) });
}

async function mistake(text: string, options?: Parameters<typeof resolve>[1]): Promise<LlmfError> {
  const error: unknown = await resolve(text, options).then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (!LlmfError.is(error)) throw error;
  return error;
}

describe('a valid config', () => {
  it('gets every default', async () => {
    const config = await resolve(base);
    expect(config.train.batchSize).toBe(2);
    expect(config.choices).toEqual({
      stage: [{ name: 'preference', options: {}, weight: 1 }],
      loss: [{ name: 'simpo', options: { beta: 2 }, weight: 1 }],
      backend: [{ name: 'auto', options: { precision: 'auto' }, weight: 1 }],
      adapter: [{ name: 'lora', options: { rank: 8 }, weight: 1 }],
    });
    expect(config.sections).toEqual({
      data: { train: [{ path: 'a.json', weight: 1 }], template: 'auto' },
      careless: { level: 1 },
    });
    expect(config.output).toBe('runs/simpo');
    expect(config.resolved).toMatchObject({
      stage: { name: 'preference' },
      loss: [{ name: 'simpo', weight: 1, beta: 2 }],
      adapter: { name: 'lora', rank: 8 },
      output: 'runs/simpo',
    });
  });

  it('takes weighted lists where the slot allows them', async () => {
    const config = await resolve(`${base.replace('loss: simpo', 'loss: [{ name: simpo, weight: 0.8 }, sft]')}`);
    expect(config.choices['loss']).toEqual([
      { name: 'simpo', options: { beta: 2 }, weight: 0.8 },
      { name: 'sft', options: {}, weight: 1 },
    ]);
    expect(config.output).toBe('runs/simpo-sft');
  });

  it('shares options out between slot and chosen value', async () => {
    const config = await resolve(`${base}backend: { name: wasm, threads: 2, precision: f32 }`);
    expect(config.choices['backend']).toEqual([{ name: 'wasm', options: { precision: 'f32', threads: 2 }, weight: 1 }]);
  });

  it('takes options of the default without its name', async () => {
    const config = await resolve(`${base}adapter: { rank: 4 }\nbackend: { precision: bf16 }`);
    expect(config.choices['adapter']![0]).toMatchObject({ name: 'lora', options: { rank: 4 } });
    expect(config.choices['backend']![0]).toMatchObject({ name: 'auto', options: { precision: 'bf16' } });
  });

  it('takes an object without a name for the value that the slot says', async () => {
    const ReferenceToken = token<Named>('test-reference');
    const references = plugin('references', (engine) => {
      const options = z.strictObject({ path: z.string() });
      engine.provide(ReferenceToken, { name: 'auto' });
      engine.provide(ReferenceToken, { name: 'path', options });
      engine.slot({ key: 'reference', token: ReferenceToken, description: '', default: 'auto', objectName: 'path' });
    });
    const choiceOf = async (text: string) =>
      (await resolve(`${base}${text}`, { extra: [references] })).choices['reference']![0]!;
    expect(await choiceOf('')).toMatchObject({ name: 'auto', options: {} });
    expect(await choiceOf('reference: { path: ./m }')).toMatchObject({ name: 'path', options: { path: './m' } });
  });

  it('keeps "none of them" as a choice without a value', async () => {
    const config = await resolve(`${base}adapter: none`);
    expect(config.choices['adapter']).toEqual([{ name: 'none', options: {}, weight: 1 }]);
  });

  it('is seen by the config hook before it is checked', async () => {
    const alias = plugin('alias', ({ hooks }) =>
      hooks.config.tap('alias', ({ lr, ...config }) => ({ ...config, train: { learningRate: lr } })),
    );
    expect((await resolve(`${base}lr: 0.5`, { extra: [alias] })).train.learningRate).toBe(0.5);
  });

  it('may leave a section empty', async () => {
    expect((await resolve(`${base}train:\ncareless:\n`)).sections['careless']).toEqual({ level: 1 });
  });

  it('may name a schema for editors', async () => {
    await expect(resolve(`$schema: ./llmf.schema.json\n${base}`)).resolves.toBeDefined();
  });
});

describe('a command that uses some keys only', () => {
  it('needs no choice for the others, and still checks what is written', async () => {
    const engine = createEngine();
    for (const each of [stages, backends, data]) engine.use(each);
    const options = { source: parseYaml('', 'x').source, uses: ['backend'] };
    expect((await resolveConfig(engine, {}, options)).choices).toEqual({
      backend: [{ name: 'auto', options: { precision: 'auto' }, weight: 1 }],
    });
    await expect(resolveConfig(engine, { data: {} }, options)).rejects.toThrow('"data.train" is missing');
    await expect(resolveConfig(engine, { stage: 'no' }, options)).rejects.toThrow('there is no stage named "no"');
  });
});

describe('defaults of loss and stage', () => {
  const rows = 'data: { train: [{ path: a.json }] }\n';

  it('follow from a plugin that the user named: its one loss, and the stage whose rows that loss needs', async () => {
    const { choices } = await resolve(rows, { named: [simpo] });
    expect([choices['loss']![0]!.name, choices['stage']![0]!.name]).toEqual(['simpo', 'preference']);
  });

  it('let options be set for the loss that the plugin brings', async () => {
    const { choices } = await resolve(rows, { named: [simpo], overrides: ['loss.beta=0.5'] });
    expect(choices['loss']![0]).toMatchObject({ name: 'simpo', options: { beta: 0.5 } });
  });

  it('follow from the stage when no plugin was named', async () => {
    const { choices } = await resolve(`${rows}stage: sft`);
    expect(choices['loss']![0]!.name).toBe('sft');
  });

  it('never overrule the config', async () => {
    const { choices } = await resolve(`${rows}stage: sft\nloss: sft`, { named: [simpo] });
    expect([choices['loss']![0]!.name, choices['stage']![0]!.name]).toEqual(['sft', 'sft']);
  });

  it('do not guess between two losses', async () => {
    const both = await mistake(`${rows}stage: preference`, { named: [simpo, sft] });
    expect(both).toMatchObject({ code: 'LLMF_CORE_MISSING_KEY', detail: { expected: 'one of simpo, sft' } });
  });

  it('do not guess between two stages for the same rows', async () => {
    const reward = plugin('reward', (engine) => engine.provide(StageToken, stage('reward', 'pair', null)));
    expect(await mistake(`${rows}loss: simpo`, { extra: [reward] })).toMatchObject({
      code: 'LLMF_CORE_MISSING_KEY',
      detail: { what: '"stage" is missing' },
    });
  });

  it('follow from the rows where nothing else decides, and say so', async () => {
    const rows = (kind: string | null) => plugin('rows', (engine) => engine.provide(RowKindToken, async () => kind));
    const text = 'data: { train: [{ path: a.json }] }\n';
    const of = (kind: string | null, more = '') => resolve(text + more, { extra: [rows(kind)], folder: '.' });
    const config = await of('single');
    expect(config.choices['stage']![0]!.name).toBe('sft');
    expect(config.choices['loss']![0]!.name).toBe('sft');
    expect(config.inferred).toEqual(['stage sft: the training rows are of kind single']);
    await expect(of('pair')).rejects.toThrow('"loss" is missing');
    await expect(of(null)).rejects.toThrow('"stage" is missing');
    expect((await of('single', 'stage: preference\nloss: simpo\n')).inferred).toEqual([]);
  });

  it('are required from the config where nothing brings them', async () => {
    expect(await mistake(rows)).toMatchObject({
      code: 'LLMF_CORE_MISSING_KEY',
      detail: { what: '"stage" is missing', expected: 'one of sft, preference' },
    });
  });
});

describe('a slot that is read on request', () => {
  const RewardToken = token<Named>('test-reward');
  const rewards = plugin('rewards', (engine) => {
    engine.slot({
      key: 'rewards',
      token: RewardToken,
      description: '',
      default: 'none',
      many: true,
      none: ['none'],
      readOnRequest: true,
    });
    for (const name of ['function', 'judge']) engine.provide(RewardToken, { name });
    engine.provide(StageToken, { ...stage('online', 'prompt', 'sft'), reads: ['rewards'] });
  });
  const config = (stageName: string, reward: string) =>
    `stage: ${stageName}\nloss: sft\ndata: { train: [{ path: a.json }] }\nrewards: ${reward}\n`;

  it('is taken by a stage that reads it, and may say none anywhere', async () => {
    const { choices } = await resolve(config('online', '[function, judge]'), { extra: [rewards] });
    expect(choices['rewards']!.map(({ name }) => name)).toEqual(['function', 'judge']);
    await resolve(config('sft', 'none'), { extra: [rewards] });
  });

  it('is refused where the stage does not read it, with those that do', async () => {
    const error = await mistake(config('sft', '[function, judge]'), { extra: [rewards] });
    expect(error).toMatchObject({
      code: 'LLMF_CORE_CHOICE_UNREAD',
      status: 1,
      detail: { where: 'llmf.yaml:4:10', got: 'function, judge', expected: 'a stage that reads it: online' },
    });
    expect(error.message).toContain('stage sft does not read "rewards"');
  });

  it('is not looked at by a command that has no stage', async () => {
    const engine = createEngine();
    for (const each of [stages, rewards]) engine.use(each);
    const parsed = parseYaml('rewards: judge\n', 'llmf.yaml');
    const raw = parsed.data as Record<string, unknown>;
    const { choices } = await resolveConfig(engine, raw, { source: parsed.source, uses: ['rewards'] });
    expect(choices['rewards']!.map(({ name }) => name)).toEqual(['judge']);
  });
});

describe('a mistake in the config', () => {
  it.each([
    ['learningrate: 1', 'UNKNOWN_KEY', 'unknown key "learningrate"', 'llmf.yaml:4:1', undefined],
    ['trian: {}', 'UNKNOWN_KEY', 'did you mean "train"?', 'llmf.yaml:4:1', undefined],
    ['train: { learningrate: 1 }', 'UNKNOWN_KEY', 'did you mean "learningRate"?', 'llmf.yaml:4:10', undefined],
    ['train: { epochs: many }', 'BAD_VALUE', '"train.epochs" has a wrong value', 'llmf.yaml:4:18', '"many" (text)'],
    ['train: { batchSize: 0 }', 'BAD_VALUE', '"train.batchSize"', 'llmf.yaml:4:21', '0 (number)'],
    ['train: { batchSize: 1.5 }', 'BAD_VALUE', '"train.batchSize"', 'llmf.yaml:4:21', '1.5 (number)'],
    ['train: [1]', 'BAD_VALUE', '"train" has a wrong value', 'llmf.yaml:4:8', '[1] (list)'],
    ['output: 7', 'BAD_VALUE', '"output" has a wrong value', 'llmf.yaml:4:9', '7 (number)'],
    ['plugins: simpo', 'BAD_VALUE', '"plugins" has a wrong value', 'llmf.yaml:4:10', '"simpo" (text)'],
    ['plugins: [1]', 'BAD_VALUE', '"plugins.0" has a wrong value', 'llmf.yaml:4:11', '1 (number)'],
    ['adapter: loar', 'UNKNOWN_NAME', 'there is no adapter named "loar"', 'llmf.yaml:4:10', undefined],
    ['adapter: { name: 3 }', 'BAD_VALUE', '"adapter.name" has a wrong value', 'llmf.yaml:4:18', '3 (number)'],
    ['adapter: [lora]', 'BAD_VALUE', '"adapter" has a wrong value', 'llmf.yaml:4:10', '["lora"] (list)'],
    ['adapter: null', 'BAD_VALUE', '"adapter" has a wrong value', 'llmf.yaml:4:10', 'null'],
    ['adapter: { name: lora, rnak: 4 }', 'UNKNOWN_KEY', 'did you mean "rank"?', 'llmf.yaml:4:24', undefined],
    ['adapter: { name: none, rank: 4 }', 'UNKNOWN_KEY', 'unknown key "adapter.rank"', 'llmf.yaml:4:24', undefined],
    [
      'backend: { name: auto, threads: 2 }',
      'UNKNOWN_KEY',
      'unknown key "backend.threads"',
      'llmf.yaml:4:24',
      undefined,
    ],
    ['backend: { precision: f16 }', 'BAD_VALUE', '"backend.precision"', 'llmf.yaml:4:23', '"f16" (text)'],
    ['careless: { levle: 2 }', 'UNKNOWN_KEY', 'did you mean "level"?', 'llmf.yaml:4:13', undefined],
  ])('%s: %s, with its place', async (line, code, text, where, got) => {
    const error = await mistake(`${base}${line}\n`);
    expect(error.code).toBe(`LLMF_CORE_${code}`);
    expect(error.message).toContain(text);
    expect(error.detail.where).toContain(where);
    if (got !== undefined) expect(error.detail.got).toBe(got);
    expect(error.status).toBe(1);
  });

  it.each([
    ['learning_rate: 1', 'move it to the section train: train.learningRate'],
    ['train: { template: x }', 'move it to the section data: data.template'],
    ['careless: { warmupRatio: 1 }', 'move it to the section train: train.warmupRatio'],
  ])('%s is told where the key belongs', async (line, fix) => {
    expect((await mistake(`${base}${line}\n`)).detail.fix).toBe(fix);
  });

  it('inside a list of a plugin section has the line of its entry', async () => {
    const error = await mistake(
      'loss: simpo\ndata:\n  train:\n    - path: a.json\n    - path: b.json\n      wieght: 2\n',
    );
    expect(error).toMatchObject({
      code: 'LLMF_CORE_UNKNOWN_KEY',
      detail: { where: 'llmf.yaml:6:7', expected: 'one of weight, path' },
    });
    expect(error.message).toContain('unknown key "data.train.1.wieght"; did you mean "weight"?');
  });

  it('inside one form of a union is told for that form', async () => {
    const error = await mistake('loss: simpo\ndata: { train: [{ path: a }], split: { shrae: 1 } }\n');
    expect(error.message).toContain('did you mean "share"?');
  });

  it('that fits no form of a union lists the forms', async () => {
    const error = await mistake('loss: simpo\ndata: { train: [{ path: a }], split: all }\n');
    expect(error.detail).toMatchObject({ got: '"all" (text)', expected: 'number or { share }' });
  });

  it('a required key left out is called missing, with what is expected', async () => {
    expect(await mistake('loss: simpo\ndata: { template: x }\n')).toMatchObject({
      code: 'LLMF_CORE_MISSING_KEY',
      detail: { what: '"data.train" is missing', where: 'llmf.yaml:2:7', expected: 'list of ({ path, weight })' },
    });
  });

  it('names the value that an option of another one belongs to', async () => {
    const error = await mistake(`${base}adapter: none\nbackend: { threads: 2 }\n`);
    expect(error.detail.fix).toBe('"threads" belongs to backend wasm, not to auto: remove it, or choose wasm');
  });

  it('from the command line is placed there', async () => {
    const error = await mistake(base, { overrides: ['train.epochs=many'] });
    expect(error.detail.where).toBe('command line: train.epochs=many');
  });

  it('does not hide the others: all are listed', async () => {
    const error = await mistake(`${base}train: { epochs: many, seed: -1 }\nfoo: 1\nadapter: loar\n`);
    expect(error.code).toBe('LLMF_CORE_CONFIG_INVALID');
    for (const part of ['4 mistakes', '"train.epochs"', '"train.seed"', 'unknown key "foo"', 'adapter named "loar"']) {
      expect(error.message).toContain(part);
    }
  });

  it.each([
    ['loss: []', '"loss" has a wrong value'],
    ['loss: [{ weight: 1 }]', '"loss.0.name" is missing'],
    ['loss: { name: simpo, weight: heavy }', '"loss.weight" has a wrong value'],
    ['loss: { name: simpo, weight: -1 }', '"loss.weight" has a wrong value'],
    ['loss: { name: simpo, beta: -1 }', '"loss.beta" has a wrong value'],
    ['loss: { name: dpo }', 'there is no loss named "dpo"'],
  ])('%s is refused', async (line, text) => {
    const error = await mistake(base.replace('loss: simpo', line));
    expect(error.message).toContain(text);
    expect(error.detail.where).toContain('llmf.yaml:2:');
  });
});
