// SPDX-License-Identifier: Apache-2.0
// Writes model/: random weights from `llmf init`, after the supervised stage of sft.yaml. Run again with
// `node model.mjs`; the bits depend on the backend, what it has learned does not.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const command = join(folder, '..', '..', 'packages', 'cli', 'bin', 'llmf.js');

for (const name of ['runs/untrained', 'runs/sft', 'model'])
  rmSync(join(folder, name), { recursive: true, force: true });
llmf('init', 'runs/untrained', '--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', '1');
llmf('train', 'sft.yaml', 'backend=wasm');
mkdirSync(join(folder, 'model'));
for (const name of ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']) {
  cpSync(join(folder, 'runs', 'sft', name), join(folder, 'model', name));
}

function llmf(...args) {
  const { status } = spawnSync(process.execPath, [command, ...args], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 2);
}
