// SPDX-License-Identifier: Apache-2.0
// How long a run on photos takes to its first step: 10,000 pairs on as many photos, DPO, the model of
// vision-prompt-once.mjs. The first run reads every file's header; the second finds headers and token ids where
// the first left them.
//
//   node benchmarks/vision-start.mjs DATA [--backend NAME] [--rows 10000]
//
// DATA as for vision-prompt-once.mjs; its photos are made smaller and multiplied. Seconds count from the start of the
// process.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string', default: 'auto' },
    rows: { type: 'string', default: '10000' },
    folder: { type: 'string' },
    run: { type: 'string' },
  },
});
const [data] = positionals;
if (data === undefined) throw new Error('name the folder of the data; see the head of this file');

if (values.run !== undefined) await runOne(values.folder, values.run);
else await measure();

async function measure() {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-start-'));
  try {
    const { narrowQwen2Vl } = await import('./vision/narrow-model.mjs');
    await narrowQwen2Vl(join(folder, 'model'), join(data, 'tokenizers', 'qwen2-vl'));
    await writeRows(folder, Number(values.rows));
    for (const run of ['first', 'again']) report(run, start(folder, run));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Photos of up to 320 pixels, each written as often as rows need one of their own. */
async function writeRows(folder, count) {
  const sharp = createRequire(new URL('../packages/vision/package.json', import.meta.url))('sharp');
  const source = join(data, 'vlm-preference-sugarcrepe');
  const pairs = JSON.parse(readFileSync(join(source, 'dpo_sharegpt_format.json'), 'utf8'));
  const photos = new Map();
  for (const path of new Set(pairs.flatMap(({ images }) => images)))
    photos.set(path, await sharp(join(source, path)).resize(320, 320, { fit: 'inside' }).jpeg().toBuffer());
  mkdirSync(join(folder, 'photos'));
  const rows = Array.from({ length: count }, (_, at) => {
    const { images, ...pair } = pairs[at % pairs.length];
    const name = `photos/${at}-${basename(images[0])}`;
    writeFileSync(join(folder, name), photos.get(images[0]));
    return { ...pair, images: [name] };
  });
  writeFileSync(join(folder, 'rows.json'), JSON.stringify(rows));
}

function start(folder, run) {
  const flags = ['--folder', folder, '--run', run, '--backend', values.backend];
  const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), data, ...flags], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the ${run} run failed`);
  return JSON.parse(stdout);
}

/** One run of one step, which tells when each part of its start was done. */
async function runOne(folder, run) {
  const marks = {};
  const mark = (name) => {
    marks[name] ??= performance.now() / 1000;
    const { user, system } = process.cpuUsage();
    marks[`${name}Cpu`] ??= (user + system) / 1e6;
  };
  const tap = (hook, name, stage) =>
    hook.tap({ name: 'stopwatch', stage }, (value) => {
      mark(name);
      marks[`${name}Bytes`] ??= process.memoryUsage.rss();
      return value;
    });
  mark('process');
  const { train } = await import('llmf');
  const { apiVersion } = await import('@llmf/core');
  const { trainingHooks } = await import('@llmf/training');
  const { default: lossDpo } = await import('@llmf/loss-dpo');
  const { vision } = await import('@llmf/vision');
  mark('program');
  const stopwatch = {
    name: 'stopwatch',
    apiVersion,
    description: 'tells when',
    apply: (engine) =>
      engine.hooks.run.tap('stopwatch', (run) => {
        const { hooks } = run;
        const training = trainingHooks(run);
        mark('config');
        tap(training.modelLoaded, 'model', 10);
        tap(training.datasetReady, 'tokens', -10);
        tap(training.datasetReady, 'media', 10);
        // The batch is collated for the step-0 check, then for the step.
        let collated = 0;
        training.batchCollated.tap({ name: 'stopwatch', stage: 10 }, (batch) => {
          mark(++collated === 1 ? 'batch' : 'begin');
          return batch;
        });
        hooks.stepDone.tap('stopwatch', () => mark('step'));
      }),
  };
  const config = {
    plugins: [vision(), lossDpo(), stopwatch],
    model: { path: './model' },
    backend: { name: values.backend, precision: 'f32' },
    stage: 'preference',
    loss: { name: 'dpo', beta: 0.1 },
    adapter: { name: 'lora', rank: 8, alpha: 16, targets: 'all' },
    vision: { image: { maxPixels: 20_000 } },
    data: { train: [{ path: 'rows.json' }], maxLength: 1024 },
    train: { batchSize: 1, gradientAccumulation: 1, maxSteps: 1, learningRate: 1e-4, saveEvery: null },
    output: run,
  };
  await train(config, { folder, logger: { info: () => {}, warn: () => {} } });
  const rows = Number(values.rows);
  process.stdout.write(JSON.stringify({ ...marks, rows }));
}

function report(
  run,
  { program, config, model, tokens, media, batch, begin, step, tokensBytes, mediaBytes, rows, beginCpu },
) {
  const seconds = (value) => `${value.toFixed(2)} s`;
  const rate = (rows / (media - tokens)).toFixed(0);
  const grown = ((mediaBytes - tokensBytes) / 2 ** 20).toFixed(0);
  console.log(
    `${run}: first step begins after ${seconds(begin)} (${seconds(beginCpu)} of processor time): program ${seconds(program)}, config ${seconds(config - program)}, ` +
      `model ${seconds(model - config)}, token ids ${seconds(tokens - model)}, ` +
      `pictures ${seconds(media - tokens)} (${rate} rows/s, memory +${grown} MiB), first batch ${seconds(batch - media)}, ` +
      `step-0 check ${seconds(begin - batch)}; ` +
      `it ends after ${seconds(step)}`,
  );
}
