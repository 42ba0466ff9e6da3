// SPDX-License-Identifier: Apache-2.0
// Positive reviews: a small model learns what film reviews are like, then PPO makes it write kind ones. Everything is
// made here, the data too: `node run.mjs --seed 1`. The last line is JSON: the mean reward of held-out prompts before and
// after, and how far the model went from where it began, in nats an answer.
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { writeFiles } from './files.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const command = join(here, '..', '..', 'packages', 'cli', 'bin', 'llmf.js');
const { seed, output } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, output: { type: 'string', default: join(here, 'runs') } },
}).values;
const folder = join(output, `seed-${seed}`);

rmSync(folder, { recursive: true, force: true });
writeFiles(folder, Number(seed));
for (const name of ['sft.yaml', 'ppo.yaml', 'reward.mjs', 'reviews.mjs']) cpSync(join(here, name), join(folder, name));

title('1. A model with random weights learns what reviews are like');
llmf('init', 'untrained', '--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', seed);
llmf('train', 'sft.yaml', `train.seed=${seed}`);

title('2. PPO: it is rewarded for kind words');
llmf('train', 'ppo.yaml', '--plugin', 'algo-ppo', 'rewards={ name: function, path: reward.mjs }', `train.seed=${seed}`);

const rows = readFileSync(join(folder, 'ppo', 'metrics.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));
const evaluations = rows.filter((row) => 'eval_objective/scores' in row);
const [before, after] = [evaluations[0], evaluations.at(-1)];
console.log(
  JSON.stringify({
    rewardBefore: before['eval_objective/scores'],
    rewardAfter: after['eval_objective/scores'],
    kl: after['eval_objective/kl'],
  }),
);

function llmf(...args) {
  const { status } = spawnSync(process.execPath, [command, ...args], {
    cwd: folder,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) process.exit(status ?? 2);
}

function title(text) {
  console.log(`\n${text}\n`);
}
