// SPDX-License-Identifier: Apache-2.0
// Peak memory of DPO on photos against supervised training on the same tokens, meant in two ways: both answers of each
// pair as two rows, each with its prompt and picture, as the peers count; and the tokens that DPO computes, prompt and
// picture once with both answers behind them as one.
//
//   node benchmarks/vision-memory.mjs DATA [--backend NAME] [--max-pixels 150000]
//
// DATA as for vision-prompt-once.mjs, whose model this is. Each run has a process of its own; memory is what the system says
// it held at most.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { narrowQwen2Vl, trainTimed } from './vision/narrow-model.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string', default: 'auto' },
    'max-pixels': { type: 'string', default: '150000' },
    folder: { type: 'string' },
    run: { type: 'string' },
  },
});
const [data] = positionals;
if (data === undefined) throw new Error('name the folder of the data; see the head of this file');

if (values.run !== undefined) await runOne(values.folder, values.run);
else await compare();

async function compare() {
  const folder = mkdtempSync(join(tmpdir(), 'llmf-memory-'));
  try {
    await narrowQwen2Vl(join(folder, 'model'), join(data, 'tokenizers', 'qwen2-vl'));
    writeRows(folder);
    const [rows, once, dpo] = ['sft-rows', 'sft-once', 'dpo'].map((run) => peakBytes(folder, run));
    console.log(`dpo ${megabytes(dpo)} MiB`);
    console.log(`supervised, two rows a pair ${megabytes(rows)} MiB: ratio ${(dpo / rows).toFixed(2)}`);
    console.log(`supervised, the tokens that dpo computes ${megabytes(once)} MiB: ratio ${(dpo / once).toFixed(2)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The first pairs; their answers as rows of their own, chosen before rejected; their answers as one. */
function writeRows(folder) {
  const source = join(data, 'vlm-preference-sugarcrepe');
  const pairs = JSON.parse(readFileSync(join(source, 'dpo_sharegpt_format.json'), 'utf8')).slice(0, 4);
  const placed = pairs.map((row) => ({ ...row, images: row.images.map((path) => join(source, path)) }));
  const single = placed.flatMap(({ conversations, chosen, rejected, images }) =>
    [chosen, rejected].map((answer) => ({ conversations: [...conversations, answer], images })),
  );
  writeFileSync(join(folder, 'dpo.json'), JSON.stringify(placed));
  writeFileSync(join(folder, 'sft-rows.json'), JSON.stringify(single));
  const joined = placed.map(({ conversations, chosen, rejected, images }) => {
    const both = { ...chosen, value: `${chosen.value} ${rejected.value}` };
    return { conversations: [...conversations, both], images };
  });
  writeFileSync(join(folder, 'sft-once.json'), JSON.stringify(joined));
}

function peakBytes(folder, run) {
  const flags = ['--folder', folder, '--run', run, '--backend', values.backend, '--max-pixels', values['max-pixels']];
  const { status, stdout } = spawnSync(process.execPath, [fileURLToPath(import.meta.url), data, ...flags], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`the ${run} run failed`);
  return Number(stdout) * 1024;
}

async function runOne(folder, run) {
  const isPairs = run === 'dpo';
  await trainTimed(
    folder,
    run,
    {
      model: { path: './model' },
      backend: { name: values.backend, precision: 'f32' },
      stage: isPairs ? 'preference' : 'sft',
      loss: isPairs ? { name: 'dpo', beta: 0.1 } : { name: 'sft' },
      adapter: { name: 'lora', rank: 8, alpha: 16, targets: 'all' },
      vision: { outsideFolder: true, image: { maxPixels: Number(values['max-pixels']) } },
      data: { train: [{ path: `${run}.json` }], maxLength: 2048, shuffle: false },
      train: {
        batchSize: run === 'sft-rows' ? 2 : 1,
        gradientAccumulation: 1,
        maxSteps: 3,
        learningRate: 1e-4,
        saveEvery: null,
        logEvery: 1,
      },
    },
    { towerRuns: 1 },
  );
  process.stdout.write(String(process.resourceUsage().maxRSS));
}

function megabytes(bytes) {
  return (bytes / 2 ** 20).toFixed(0);
}
