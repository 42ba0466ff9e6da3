// SPDX-License-Identifier: Apache-2.0
// A run goes on with what it began with, wherever that lies now, and with nothing else.
import { closeSync, cpSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { llmf, succeeded } from './support/command.js';
import { firstRunCopy } from './support/first-run.js';
import { sha256 } from './support/kill-and-resume.js';

let copy: Awaited<ReturnType<typeof firstRunCopy>>;
beforeAll(async () => {
  copy = await firstRunCopy();
});
afterAll(() => copy.remove());

const lora = ['--plugin', 'loss-dpo', 'adapter={ name: lora, rank: 2 }', 'train.saveEvery=1', 'train.batchSize=2'];
const train = (folder: string, output: string, steps: number, more: readonly string[] = []) =>
  llmf(['train', ...lora, 'data.eval=null', `output=runs/${output}`, `train.maxSteps=${steps}`, ...more], { folder });

it('a project that was moved goes on to the same bits; other base weights are refused', async () => {
  const project = join(copy.folder, 'project');
  for (const name of ['data', 'model', 'llmf.yaml']) {
    cpSync(join(copy.folder, name), join(project, name), { recursive: true });
  }
  succeeded(await train(project, 'whole', 4));
  succeeded(await train(project, 'cut', 2));
  const moved = join(copy.folder, 'moved');
  renameSync(project, moved);
  succeeded(await train(moved, 'cut', 4, ['--resume']));
  const [one, two] = ['whole', 'cut'].map((name) => sha256(join(moved, 'runs', name, 'adapter_model.safetensors')));
  expect(await one).toBe(await two);

  const elsewhere = join(copy.folder, 'elsewhere');
  for (const name of ['data', 'model']) cpSync(join(moved, name), join(elsewhere, name), { recursive: true });
  const places = [`model.path=${elsewhere}/model`, `data.train=[{ path: ${elsewhere}/data/train.json }]`];
  succeeded(await train(moved, 'cut', 5, ['--resume', ...places]));
  const other = await train(moved, 'cut', 6, ['--resume', `data.train=[{ path: ${elsewhere}/data/held-out.json }]`]);
  expect(other.err).toMatch(/^LLMF_TRAINING_DATA_CHANGED/m);

  const file = openSync(join(moved, 'model', 'model.safetensors'), 'r+');
  writeSync(file, Buffer.alloc(4000), 0, 4000, 50_000);
  closeSync(file);
  const refused = await train(moved, 'cut', 6, ['--resume']);
  expect(refused.status).toBe(1);
  expect(refused.err).toMatch(
    /^LLMF_TRAINING_MODEL_CHANGED: the model that the checkpoint began with \(base\) is another/m,
  );
}, 120_000);
