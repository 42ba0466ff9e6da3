// SPDX-License-Identifier: Apache-2.0
// Pairs per second of DPO on photos: a pair's prompt and picture computed once, against the two-row form in which, as
// with TRL and LLaMA-Factory, each answer carries its own copy of prompt and picture through tower and language model, in
// the policy's pass and in the reference's.
//
//   node benchmarks/vision-prompt-once.mjs DATA [--backend NAME] [--pairs 5] [--max-pixels 589824]
//
// DATA holds vlm-preference-sugarcrepe/ and tokenizers/qwen2-vl/. The model has Qwen2-VL-2B's proportions at about a tenth
// of its width: 28 layers of 144 (12 heads, 2 for keys), a feed-forward of 896; a tower of 32 blocks of 128 (16 heads).
// The default limit of pixels is LLaMA-Factory's. Both forms give the same losses, which is checked.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { narrowQwen2Vl, trainTimed } from './vision/narrow-model.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backend: { type: 'string', default: 'auto' },
    pairs: { type: 'string', default: '5' },
    'max-pixels': { type: 'string', default: '589824' },
  },
});
const [data] = positionals;
if (data === undefined) throw new Error('name the folder of the data; see the head of this file');
const pairs = Number(values.pairs);

const folder = mkdtempSync(join(tmpdir(), 'llmf-prompt-once-'));
try {
  await narrowQwen2Vl(join(folder, 'model'), join(data, 'tokenizers', 'qwen2-vl'));
  const config = (promptOnce) => ({
    model: { path: './model' },
    backend: { name: values.backend, precision: 'f32' },
    stage: 'preference',
    loss: { name: 'dpo', beta: 0.1 },
    adapter: { name: 'lora', rank: 8, alpha: 16, targets: 'all' },
    vision: { image: { maxPixels: Number(values['max-pixels']) } },
    data: {
      train: [{ path: join(data, 'vlm-preference-sugarcrepe', 'dpo_sharegpt_format.json') }],
      maxLength: 2048,
      shuffle: false,
      promptOnce,
    },
    train: {
      batchSize: 1,
      gradientAccumulation: 1,
      maxSteps: pairs + 1,
      learningRate: 1e-4,
      saveEvery: null,
      logEvery: 1,
    },
  });
  // Vision runs the tower once per picture and batch, whatever the form. In the two-row form of the peers two rows in two
  // passes show it: four runs. They are made by running it four times.
  const once = await trainTimed(folder, 'once', config(true), { towerRuns: 1 });
  const twice = await trainTimed(folder, 'twice', config(false), { towerRuns: 4 });
  const apart = Math.max(...once.losses.map((loss, at) => Math.abs(loss - twice.losses[at])));
  if (!(apart < 1e-4)) throw new Error(`the two forms differ: losses are ${apart} apart`);
  report('prompt once', once);
  report('two rows', twice);
  console.log(`ratio of pairs per second: ${(twice.seconds / once.seconds).toFixed(2)}`);
  // On a machine that others use too, processor time is the steadier measure.
  console.log(`ratio of pairs per second of processor time: ${(twice.cpuSeconds / once.cpuSeconds).toFixed(2)}`);
} finally {
  rmSync(folder, { recursive: true });
}

function report(name, { seconds, cpuSeconds, towerMedia, tokens }) {
  const perPair = (count) => (count / pairs).toFixed(0);
  console.log(
    `${name}: ${(pairs / seconds).toFixed(3)} pairs/s, ${(cpuSeconds / pairs).toFixed(2)} s of processor time a pair; ` +
      `per pair ${perPair(tokens)} tokens, tower ${perPair(towerMedia)}×`,
  );
}
