// SPDX-License-Identifier: Apache-2.0
// trlX's PPO and ILQL configs on kind film reviews (../../positive-reviews): online, it writes and is rewarded; offline, it
// learns from reviews that have their rewards already, and is then steered by what it learned. Then a sweep over the PPO
// config from a file of trlX's form.
import { fileURLToPath } from 'node:url';
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFiles } from '../../positive-reviews/files.mjs';
import reward from '../../positive-reviews/reward.mjs';
import { evaluationsOf, inFolder, linesOf, repository } from '../llmf.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const sweepFile = 'ppo_sweep.yml';

export async function run(folder) {
  const example = join(repository, 'examples', 'positive-reviews');
  mkdirSync(folder, { recursive: true });
  writeFiles(folder, 1);
  for (const name of ['sft.yaml', 'reward.mjs', 'reviews.mjs']) cpSync(join(example, name), join(folder, name));
  for (const name of ['ppo.yml', 'ilql.yml', sweepFile]) cpSync(join(here, name), join(folder, name));
  const reviews = JSON.parse(readFileSync(join(folder, 'reviews.json'), 'utf8'));
  const rewards = reward(reviews.map(({ completion }) => ({ answer: completion })));
  const scored = reviews.map((row, at) => ({ ...row, reward: rewards[at] }));
  writeFileSync(join(folder, 'scored.json'), JSON.stringify(scored));

  const llmf = inFolder(folder);
  llmf('init', 'untrained', '--config', 'architecture/config.json', '--tokenizer', 'architecture', '--seed', '1');
  llmf('train', 'sft.yaml');
  llmf(
    'train',
    '--from',
    'trlx',
    'ppo.yml',
    'data.train=[{path: prompts.json}]',
    'data.eval=[{path: held-out.json}]',
    'rewards={name: function, path: reward.mjs}',
    'train.evalOnStart=true',
    'train.logEvery=5',
  );
  llmf('train', '--from', 'trlx', 'ilql.yml', 'data.train=[{path: scored.json}]', 'train.logEvery=50');
  const sampled = (name, ...more) => {
    llmf(
      'sample',
      'held-out.json',
      '--model',
      'ilql',
      '--output',
      name,
      '--answers',
      '1',
      '--max-new-tokens',
      '24',
      '--sample',
      '--temperature',
      '1',
      '--seed',
      '1',
      ...more,
    );
    const answers = linesOf(join(folder, name)).flatMap(({ samples }) => samples.map(({ text }) => ({ answer: text })));
    const scores = reward(answers);
    return scores.reduce((sum, each) => sum + each, 0) / scores.length;
  };
  llmf('sweep', sweepFile);
  const evaluations = evaluationsOf(join(folder, 'ppo'));
  return {
    ppo: {
      rewardBefore: evaluations[0]['eval_objective/scores'],
      rewardAfter: evaluations.at(-1)['eval_objective/scores'],
      kl: evaluations.at(-1)['eval_objective/kl'],
    },
    ilql: {
      unsteered: sampled('plain.jsonl'),
      steered: sampled('steered.jsonl', '--plugin', 'algo-ilql', '--guide', '4', '--top-k', '20'),
    },
    sweep: sweepOf(join(folder, 'runs', 'ppo_sweep', 'trials')),
  };
}

function sweepOf(folder) {
  const trials = readdirSync(folder).map((name) => trialOf(join(folder, name)));
  const ordered = trials.toSorted((one, other) => other.rewardAfter - one.rewardAfter);
  return { trials: trials.length, best: ordered[0], worst: ordered.at(-1) };
}

/** What a trial has of the space, and the mean reward of held-out openings. */
function trialOf(folder) {
  const { config } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
  const evaluations = evaluationsOf(folder);
  return {
    learningRate: config.train.learningRate,
    klCoefficient: config.stage.klCoefficient,
    rank: config.adapter.rank,
    rewardBefore: evaluations[0]['eval_objective/scores'],
    rewardAfter: evaluations.at(-1)['eval_objective/scores'],
  };
}
