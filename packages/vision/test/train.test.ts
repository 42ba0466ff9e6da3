// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { LossToken, trainingHooks } from '@llmf/training';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { apiVersion, fromFloat32, readSafetensors, toFloat32, writeSafetensors, type Plugin } from '@llmf/core';
import lossDpo, { dpoLoss } from '@llmf/loss-dpo';
import lossMdpo from '@llmf/loss-mdpo';
import { packedOf } from '@llmf/nn';
import { train } from 'llmf';
import { afterAll, describe, expect, it } from 'vitest';
import { vision } from '../src/plugin.js';
import { tinyNames, type TinyName } from './tiny-fixture.js';

const run = promisify(execFile);
const command = fileURLToPath(new URL('../../cli/bin/llmf.js', import.meta.url));
/** The real command with the vision plugin; its standard output. */
const llmf = async (folder: string, ...words: string[]): Promise<string> =>
  (await run(process.execPath, [command, ...words, '--plugin', 'vision', '--backend', 'wasm'], { cwd: folder })).stdout;

const root = mkdtempSync(join(tmpdir(), 'llmf-vision-train-'));
afterAll(() => rmSync(root, { recursive: true }));
const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));

/** A folder with a tiny model and rows of token ids that show pictures. */
function workFolder(name: TinyName, at: string = name): string {
  const folder = join(root, at);
  mkdirSync(join(folder, 'model'), { recursive: true });
  for (const file of ['config.json', 'model.safetensors'])
    cpSync(join(fixture(name), file), join(folder, 'model', file));
  const processor = { image_processor_type: 'Qwen2VLImageProcessor', patch_size: 4, min_pixels: 64, max_pixels: 2560 };
  writeFileSync(join(folder, 'model', 'preprocessor_config.json'), JSON.stringify(processor));
  cpSync(fixture('images'), join(folder, 'images'), { recursive: true });
  const files = ['rgb-70x70.png', 'jpeg-420.jpg', 'gif-still.gif', 'png-rgba.png', 'webp-lossy.webp', 'jpeg-cmyk.jpg'];
  const rows = files.map((file, at) => ({
    promptIds: [5, 6 + at, 112, 110, 113, 7],
    chosenIds: [20 + at, 21, 22],
    rejectedIds: [40 + at, 41],
    images: [`images/${file}`],
  }));
  writeFileSync(join(folder, 'rows.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
  return folder;
}

const config = (changes: Record<string, unknown> = {}) => ({
  plugins: [vision(), lossDpo(), lossMdpo()],
  model: { path: './model' },
  backend: 'wasm', // the same on every machine
  stage: 'preference',
  loss: { name: 'dpo', beta: 0.5 },
  adapter: { name: 'lora', rank: 4, alpha: 8, targets: 'all' },
  data: { train: [{ path: 'rows.jsonl' }], maxLength: 200, shuffle: false },
  train: {
    batchSize: 3,
    gradientAccumulation: 1,
    maxSteps: 4,
    learningRate: 0.02,
    schedule: 'constant',
    warmupRatio: 0,
    saveEvery: null,
  },
  output: 'run',
  ...changes,
});
const metricsOf = (folder: string, output = 'run') =>
  readFileSync(join(folder, output, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Readonly<Record<string, number>>);
const lossesOf = (folder: string, output: string) =>
  metricsOf(folder, output).flatMap(({ loss }) => (loss === undefined ? [] : [loss]));
const silent = { info: () => undefined, warn: () => undefined };

describe.each(tinyNames)('DPO on pictures with %s', (name) => {
  it('starts at ln 2, learns, and runs the tower once per picture and batch', async () => {
    const folder = workFolder(name);
    const told: string[] = [];
    await train(config() as never, {
      folder,
      logger: { info: (line) => told.push(line), warn: (line) => told.push(line) },
    });
    const losses = lossesOf(folder, 'run');
    expect(losses.length).toBe(4);
    expect(losses[0]).toBeCloseTo(Math.LN2, 5);
    expect(losses[3]).toBeLessThan(losses[0]! - 0.05);
    // 4 steps of 3 pairs with a picture each; policy and reference share the tower's pass; the step-0 check is one more.
    expect(told).toContain('vision: 15 media through the tower, 6 decoded');
    const adapter = JSON.parse(readFileSync(join(folder, 'run', 'adapter_config.json'), 'utf8')) as {
      target_modules: string[];
    };
    expect(JSON.stringify(adapter.target_modules)).not.toContain('visual');
  });
});

describe('a language half in 4 bits', () => {
  it.each(['F32', 'BF16'] as const)('trains beside a tower that stays in %s as its file has it', async (dtype) => {
    const folder = workFolder('qwen2_vl', `quantized-${dtype}`);
    const file = join(folder, 'model', 'model.safetensors');
    const stored = Object.entries(await readSafetensors(file));
    const tensors = stored.map(([key, tensor]) => {
      return [key, { dtype, shape: tensor.shape, data: fromFloat32(toFloat32(tensor), dtype) }] as const;
    });
    await writeSafetensors(file, Object.fromEntries(tensors));
    const formats = new Map<string, string>();
    const watcher: Plugin = {
      name: 'watcher',
      apiVersion,
      apply(engine) {
        engine.hooks.run.tap('watcher', (run) =>
          trainingHooks(run).modelLoaded.tap('watcher', (model) => {
            for (const { name, value } of model.parameters.values())
              formats.set(name, packedOf(value)?.format.name ?? 'f32');
            return model;
          }),
        );
      },
    };
    const plugins = [vision(), lossDpo(), lossMdpo(), watcher];
    await train(config({ plugins, quantization: 'nf4' }) as never, { folder, logger: silent });
    const losses = lossesOf(folder, 'run');
    expect(losses[0]).toBeCloseTo(Math.LN2, 5);
    expect(losses[3]).toBeLessThan(losses[0]! - 0.05);
    const packed = [...formats].flatMap(([name, format]) => (format === 'nf4' ? [name] : []));
    expect(packed).toHaveLength(14); // q, k, v, o, gate, up and down of 2 layers
    expect(packed.some((name) => name.startsWith('visual.'))).toBe(false);
    const tower = [...formats].filter(([name]) => /^visual\.blocks\..*(qkv|proj|fc\d)\.weight$/.test(name));
    expect(tower.length).toBeGreaterThan(3);
    expect(new Set(tower.map(([, format]) => format))).toEqual(new Set([dtype.toLowerCase()]));
  });
});

describe('frozen halves', () => {
  const folder = workFolder('qwen2_vl', 'frozen');
  const run = async (output: string, changes: Record<string, unknown>) =>
    train(config({ output, ...changes }) as never, { folder, logger: silent });
  const weights = async (file: string) => {
    const tensors = await readSafetensors(join(folder, file));
    return new Map(Object.entries(tensors).map(([name, tensor]) => [name, toFloat32(tensor)]));
  };
  const half = (name: string) =>
    name.startsWith('visual.merger.') ? 'projector' : name.startsWith('visual.') ? 'tower' : 'language';

  it('an adapter for all layers reaches the tower where the tower is not frozen, and trains there', async () => {
    await run('tower', { vision: { freeze: { tower: false } }, loss: { name: 'dpo', beta: 0.5 } });
    const trained = [...(await weights('tower/adapter_model.safetensors'))];
    const inTower = trained.filter(([name]) => name.includes('visual.blocks.'));
    // 3 blocks of qkv, proj, fc1 and fc2, each with an A and a B; B starts at 0.
    expect(inTower).toHaveLength(3 * 4 * 2);
    for (const [name, values] of inTower.filter(([key]) => key.includes('lora_B')))
      expect([name, values.some((value) => value !== 0)]).toEqual([name, true]);
    expect(trained.some(([name]) => name.includes('merger'))).toBe(false);
    expect(lossesOf(folder, 'tower').at(-1)!).toBeLessThan(Math.LN2 - 0.05);
  });

  it('what was trained there acts in score and is merged, whatever the options say of freezing', async () => {
    const scores = async (output: string, ...flags: string[]) => {
      await llmf(folder, 'score', 'rows.jsonl', ...flags, '--output', output);
      const rows = readFileSync(join(folder, output), 'utf8').trim().split('\n');
      return rows.map((row) => (JSON.parse(row) as { chosen: { logProbSum: number } }).chosen.logProbSum);
    };
    const adapted = await scores('a.jsonl', '--model', 'model', '--adapter', 'tower');
    const thawed = await scores('b.jsonl', '--model', 'model', '--adapter', 'tower', 'vision.freeze.tower=false');
    expect(adapted).toEqual(thawed);
    expect(await llmf(folder, 'merge', '--model', 'model', '--adapter', 'tower', '--output', 'merged')).toContain(
      'merged 26 layers', // 14 of the language half, 12 of the tower
    );
    const merged = await scores('c.jsonl', '--model', 'merged');
    expect(merged).toHaveLength(6);
    merged.forEach((value, at) => expect(value).toBeCloseTo(adapted[at]!, 3));
    const plain = await scores('d.jsonl', '--model', 'model');
    expect(Math.abs(plain[0]! - adapted[0]!)).toBeGreaterThan(0.01);
  });

  it('all of them leave nothing to train', async () => {
    await expect(run('nothing', { vision: { freeze: { language: true } } })).rejects.toThrow(
      'LLMF_TRAINING_NOTHING_TRAINABLE',
    );
  });

  it('a loss with another value where policy and reference are equal ends before the first step', async () => {
    const wrong: Plugin = {
      name: 'wrong-dpo',
      apiVersion,
      apply: (engine) => engine.provide(LossToken, { ...dpoLoss, name: 'wrong', atReference: () => 0.5 } as never),
    };
    const changes = { plugins: [vision(), wrong], loss: { name: 'wrong' } };
    await expect(run('at-reference', changes)).rejects.toThrow(/LLMF_TRAINING_AT_REFERENCE[^]*0\.5/);
    expect(readFileSync(join(folder, 'at-reference', 'metrics.jsonl'), 'utf8')).toBe('');
  });

  it.each([
    ['language', {}],
    ['tower', { tower: false, language: true }],
    ['projector', { projector: false, language: true }],
  ])('full tuning changes the %s alone with vision.freeze %j', async (free, freeze) => {
    const output = `full-${free}`;
    const changes = { adapter: 'none', train: { ...config().train, learningRate: 1e-3, maxSteps: 2 } };
    await run(output, { ...changes, vision: { freeze } });
    const before = await weights('model/model.safetensors');
    const after = await weights(`${output}/model.safetensors`);
    const changed = new Set<string>();
    for (const [name, values] of before)
      if (values.some((value, at) => value !== after.get(name)![at])) changed.add(half(name));
    expect([...changed]).toEqual([free]);
  });
});

describe('a run that compares pictures', () => {
  const folder = workFolder('qwen2_vl', 'compared');
  const run = async (output: string, changes: Record<string, unknown>) => {
    await train(config({ output, ...changes }) as never, { folder, logger: silent });
    return metricsOf(folder, output);
  };

  it.each(['crop', 'other'])(
    'mdpo starts at 3 ln 2 and learns to prefer its picture to the %s one',
    async (contrast) => {
      const rows = await run(`mdpo-${contrast}`, { loss: { name: 'mdpo', beta: 0.5 }, vision: { contrast } });
      expect(rows[0]!.loss).toBeCloseTo(3 * Math.LN2, 4);
      expect(rows.at(-1)!.loss).toBeLessThan(3 * Math.LN2 - 0.05);
      expect(rows[0]).toHaveProperty('rewards/conditional_accuracies');
    },
  );

  it.each(['dpo', 'mdpo'])('%s with a cached reference computes what the adapter switched off gives', async (name) => {
    const loss = { name, beta: 0.5 };
    await run(`${name}-off`, { loss, reference: 'adapter-off' });
    await run(`${name}-cached`, { loss, reference: 'cached' });
    const [off, cached] = [lossesOf(folder, `${name}-off`), lossesOf(folder, `${name}-cached`)];
    expect(cached).toHaveLength(4);
    cached.forEach((value, at) => expect(value).toBeCloseTo(off[at]!, 5));
  });

  it('caches the reference by pixels: another limit is another key, the same one is found again', async () => {
    const told: string[] = [];
    const once = async (output: string, vision: object) => {
      const changes = { output, reference: 'cached', loss: { name: 'dpo', beta: 0.25 }, vision };
      const logger = { info: (line: string) => told.push(line), warn: () => undefined };
      await train(config(changes) as never, { folder, logger });
      return told.filter((line) => line.startsWith('reference:')).at(-1);
    };
    expect(await once('key-1', { image: { maxPixels: 600 } })).toContain('(6 of 6 rows computed now)');
    expect(await once('key-2', { image: { maxPixels: 600 } })).toContain('(0 of 6 rows computed now)');
    expect(await once('key-3', { image: { maxPixels: 500 } })).toContain('(6 of 6 rows computed now)');
  });

  it('evaluates pairs with their own and with other pictures', async () => {
    const rows = await run('looks', {
      data: { train: [{ path: 'rows.jsonl' }], eval: [{ path: 'rows.jsonl' }], maxLength: 200 },
    });
    const last = rows.findLast((row) => 'eval_image/margins' in row)!;
    expect(last['eval_image/margins']).not.toBeCloseTo(last['eval_image/margins_shuffled']!, 4);
    // Trained on these rows: log-probs and margins agree with what evaluation itself says of them.
    expect(last['eval_image/margins']).toBeCloseTo(last['eval_logps/chosen']! - last['eval_logps/rejected']!, 4);
    for (const name of ['eval_image/accuracies', 'eval_image/accuracies_shuffled']) {
      expect(last[name]! * 6).toBeCloseTo(Math.round(last[name]! * 6), 6);
    }
  });

  it('closes its rows when a picture ends it before the first step', async () => {
    let closed = 0;
    const counting: Plugin = {
      name: 'counting',
      apiVersion,
      apply: (engine) =>
        engine.hooks.run.tap('counting', (run) =>
          trainingHooks(run).datasetReady.tap({ name: 'counting', stage: -10 }, (rows) => {
            const close = rows.close.bind(rows);
            return Object.assign(rows, { close: () => close().finally(() => (closed += 1)) });
          }),
        ),
    };
    writeFileSync(
      join(folder, 'gone.jsonl'),
      readFileSync(join(folder, 'rows.jsonl'), 'utf8').replace('gif-still', 'gone'),
    );
    const data = { train: [{ path: 'gone.jsonl' }], maxLength: 200 };
    const failing = run('gone', { plugins: [vision(), lossDpo(), counting], data });
    await expect(failing).rejects.toMatchObject({ code: 'LLMF_VISION_FILE_MISSING' });
    expect(closed).toBe(1);
  });

  it('reports rows dropped for their media with file and row', async () => {
    const text = readFileSync(join(folder, 'rows.jsonl'), 'utf8').split('\n');
    const broken = text.map((line, at) => (at === 2 ? line.replace('gif-still.gif', 'gone.gif') : line));
    writeFileSync(join(folder, 'broken.jsonl'), broken.join('\n'));
    await run('broken', {
      data: { train: [{ path: 'broken.jsonl' }], maxLength: 200 },
      vision: { onBadMedia: 'drop' },
    });
    const report = readFileSync(join(folder, 'broken', 'data-report.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(report).toHaveLength(1);
    expect(JSON.parse(report[0]!)).toMatchObject({ split: 'train', source: 'broken.jsonl', row: 3, action: 'dropped' });
  });
});
