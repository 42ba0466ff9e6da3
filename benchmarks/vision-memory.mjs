// SPDX-License-Identifier: Apache-2.0
// Peak memory of DPO on photos against supervised training on the same tokens: both answers of each pair as two rows.
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
    const [sft, dpo] = ['sft', 'dpo'].map((run) => peakBytes(folder, run));
    console.log(`sft ${megabytes(sft)} MiB, dpo ${megabytes(dpo)} MiB: ratio ${(dpo / sft).toFixed(2)}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Both answers of the first pairs as rows of their own, chosen before rejected. */
function writeRows(folder) {
  const source = join(data, 'vlm-preference-sugarcrepe');
  const pairs = JSON.parse(readFileSync(join(source, 'dpo_sharegpt_format.json'), 'utf8')).slice(0, 4);
  const placed = pairs.map((row) => ({ ...row, images: row.images.map((path) => join(source, path)) }));
  const single = placed.flatMap(({ conversations, chosen, rejected, images }) =>
    [chosen, rejected].map((answer) => ({ conversations: [...conversations, answer], images })),
  );
  writeFileSync(join(folder, 'dpo.json'), JSON.stringify(placed));
  writeFileSync(join(folder, 'sft.json'), JSON.stringify(single));
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
        batchSize: isPairs ? 1 : 2,
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
