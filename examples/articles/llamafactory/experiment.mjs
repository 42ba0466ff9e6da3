// SPDX-License-Identifier: Apache-2.0
// LLaMA-Factory's YAML trains a Qwen2-VL by DPO, ORPO and SimPO on pairs in RLHF-V's form; see ../../see-and-prefer for the
// pictures and the model, which has first learned to answer.
import { fileURLToPath } from 'node:url';
import { cpSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { evaluationsOf, inFolder, repository } from '../llmf.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));

export async function run(folder) {
  const example = join(repository, 'examples', 'see-and-prefer');
  mkdirSync(folder, { recursive: true });
  spawnSync(process.execPath, [join(example, 'draw.mjs'), folder], { stdio: 'inherit' });
  for (const name of ['architecture', 'sft.yaml']) cpSync(join(example, name), join(folder, name), { recursive: true });
  for (const name of ['dpo.yaml', 'orpo.yaml', 'simpo.yaml']) cpSync(join(here, name), join(folder, name));
  cpSync(join(here, 'data', 'dataset_info.json'), join(folder, 'data', 'dataset_info.json'));
  const llmf = inFolder(folder);
  llmf(
    'init',
    'runs/untrained',
    '--plugin',
    'vision',
    '--config',
    'architecture/config.json',
    '--tokenizer',
    'architecture',
    '--seed',
    '1',
  );
  llmf('train', 'sft.yaml');
  renameSync(join(folder, 'runs', 'sft'), join(folder, 'start'));
  const results = {};
  for (const method of ['dpo', 'orpo', 'simpo']) {
    llmf('train', '--from', 'llamafactory', `${method}.yaml`);
    const evaluations = evaluationsOf(join(folder, 'saves', method));
    const [before, after] = [evaluations[0], evaluations.at(-1)];
    results[method] = {
      accuracyBefore: before['eval_image/accuracies'],
      accuracyAfter: after['eval_image/accuracies'],
      otherPicture: after['eval_image/accuracies_shuffled'],
      marginAfter: after['eval_rewards/margins'],
    };
  }
  return results;
}
