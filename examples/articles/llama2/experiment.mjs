// SPDX-License-Identifier: Apache-2.0
// Llama 2 by QLoRA and DPO, small: a model of Llama 2's shape learns to answer, then supervised tuning and DPO in 4 bits on
// questions whose answers have votes, as Stack Exchange's: the best answer first, then pairs of a better and a worse one.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { evaluationsOf, inFolder, linesOf, repository } from '../llmf.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const firstRun = join(repository, 'examples', 'first-run');

export async function run(folder) {
  mkdirSync(join(folder, 'data'), { recursive: true });
  for (const name of ['config.json', 'pipeline.yaml']) cpSync(join(here, name), join(folder, name));
  cpSync(join(firstRun, 'data', 'sft.json'), join(folder, 'data', 'sft.json'));
  const pairs = {};
  for (const name of ['train', 'held-out']) pairs[name] = writeRankings(folder, name);
  const llmf = inFolder(folder);
  const tokenizer = join(firstRun, 'architecture');
  llmf('init', 'untrained', '--config', 'config.json', '--tokenizer', tokenizer, '--seed', '1');
  // The base model: every weight learns how people talk here, rude ones too.
  llmf('train', ...baseArguments);
  llmf('run', 'pipeline.yaml');
  const [sft, dpo] = ['sft', 'dpo'].map((stage) => evaluationsOf(join(folder, 'stages', stage)));
  return {
    questions: pairs.train.length,
    pairsPerQuestion: pairs.train[0],
    sftLossBefore: sft[0].eval_loss,
    sftLossAfter: sft.at(-1).eval_loss,
    dpoFirstLoss: dpo[0].eval_loss,
    accuracyAfter: dpo.at(-1)['eval_rewards/accuracies'],
    marginAfter: dpo.at(-1)['eval_rewards/margins'],
    peakMiB: Math.round(
      Math.max(...linesOf(join(folder, 'stages', 'dpo', 'metrics.jsonl')).map((row) => row.peakMemoryBytes ?? 0)) /
        2 ** 20,
    ),
  };
}

const baseArguments = [
  'model.path=untrained',
  'stage=sft',
  'adapter=none',
  'data.train=[{path: data/sft.json}]',
  'data.maxLength=128',
  'train.batchSize=8',
  'train.gradientAccumulation=1',
  'train.maxSteps=300',
  'train.learningRate=3e-3',
  'train.logEvery=50',
  'train.saveEvery=null',
  'train.seed=1',
  'output=base',
];

/**
 * Questions of first-run with three answers and their votes, in no order: the kind one, the bare one, the rude one.
 * Returns the number of pairs of each.
 */
function writeRankings(folder, name) {
  const rows = JSON.parse(readFileSync(join(firstRun, 'data', `${name}.json`), 'utf8'));
  const rankings = rows.map(({ prompt, chosen, rejected }, at) => {
    const [, thing] = /is (an? \w+)/.exec(chosen);
    const answers = [
      { text: chosen, votes: 12 },
      { text: `It is ${thing}.`, votes: 3 },
      { text: rejected, votes: -4 },
    ];
    const turned = [...answers.slice(at % 3), ...answers.slice(0, at % 3)];
    return { prompt, responses: turned.map(({ text }) => text), scores: turned.map(({ votes }) => votes) };
  });
  writeFileSync(join(folder, 'data', `${name}.jsonl`), rankings.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return rankings.map(({ responses }) => (responses.length * (responses.length - 1)) / 2);
}
