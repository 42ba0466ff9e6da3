// SPDX-License-Identifier: Apache-2.0
// Transfer learning: the last block alone is trained on, what lies before it stays as it was, bit for bit. Beside it a LoRA
// and every weight, on the same pairs for the same steps.
import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { readSafetensors } from '@llmf/core';
import { evaluationsOf, inFolder, linesOf, repository } from '../llmf.mjs';

const ways = {
  frozen: 'adapter={name: freeze, trainableLayers: 1}',
  lora: 'adapter={name: lora, rank: 8}',
  whole: 'adapter=none',
};

export async function run(folder) {
  mkdirSync(folder, { recursive: true });
  const example = join(repository, 'examples', 'first-run');
  for (const name of ['model', 'data']) cpSync(join(example, name), join(folder, name), { recursive: true });
  const llmf = inFolder(folder);
  const results = {};
  for (const [name, adapter] of Object.entries(ways)) {
    llmf(
      'train',
      '--plugin',
      'loss-dpo',
      'model.path=model',
      adapter,
      'data.train=[{path: data/train.json}]',
      'data.eval=[{path: data/held-out.json}]',
      'data.maxLength=128',
      'train.batchSize=8',
      'train.gradientAccumulation=1',
      'train.maxSteps=40',
      'train.learningRate=1e-3',
      'train.seed=1',
      'train.saveEvery=null',
      `output=${name}`,
    );
    const rows = linesOf(join(folder, name, 'metrics.jsonl'));
    results[name] = {
      accuracy: evaluationsOf(join(folder, name)).at(-1)['eval_rewards/accuracies'],
      peakMiB: Math.round(Math.max(...rows.map((row) => row.peakMemoryBytes ?? 0)) / 2 ** 20),
    };
  }
  return { ...results, ...(await compared(join(folder, 'model'), join(folder, 'frozen'))) };
}

/** How many tensors of both models have the same bytes, and how many were trained. */
async function compared(before, after) {
  const [one, other] = await Promise.all(
    [before, after].map((folder) => readSafetensors(join(folder, 'model.safetensors'))),
  );
  const isSame = ([name, { data }]) => Buffer.compare(Buffer.from(data), Buffer.from(other[name].data)) === 0;
  const names = Object.entries(one);
  return {
    unchangedTensors: names.filter(isSame).length,
    trainedTensors: names.filter((entry) => !isSame(entry)).length,
  };
}
