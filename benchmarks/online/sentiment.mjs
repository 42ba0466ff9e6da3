// SPDX-License-Identifier: Apache-2.0
// Positive reviews on real sentences: a small model learns film reviews (pretrain, sft), a reward model learns what is kind,
// and PPO, GRPO, RLOO, online DPO, KTO and ILQL raise it; a judge of another kind, trained on other reviews, looks on.
//
//   node benchmarks/online/sentiment.mjs --data FOLDER --output FOLDER [--methods ppo,grpo] [--seeds 1,2,3] [--threads 1]
//     [--prompts tuning]
//
// FOLDER holds sst2/{train,dev,test}.tsv, rt-polarity/rt-polarity.{pos,neg} and imdb/imdb_sample.csv. What is there already
// is not made again. Settings are chosen on openings of their own (`--prompts tuning`), never on those that are reported.
// The table goes to standard output, one JSON line a run to `results.jsonl`.
import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { printTable } from '../support/results.mjs';
import { mean, randomNumbers, shuffled, sigmoid, Workshop } from './commands.mjs';
import { distinct, sampledAnswers } from './judged.mjs';
import { naiveBayes } from './naive-bayes.mjs';
import { readReviewSets } from './review-sets.mjs';
import { marks, writeWordModel } from './word-model.mjs';

const options = {
  data: { type: 'string' },
  output: { type: 'string' },
  methods: { type: 'string', default: 'ppo,grpo,rloo,online-dpo,kto,ilql' },
  seeds: { type: 'string', default: '1,2,3,4,5' },
  threads: { type: 'string', default: '1' },
  prompts: { type: 'string', default: 'held-out' },
};
const { data, output, threads, prompts: asked, ...lists } = parseArgs({ options }).values;
if (data === undefined || output === undefined || !existsSync(data)) throw new Error('--data and --output are needed.');
const shop = new Workshop(output);
const sets = readReviewSets(data);
const backend = { name: 'cpu', threads: Number(threads) };
const openingWords = 3;
const answerTokens = 24;
/** KL that the runs are to stay under, in nats an answer. */
const klTarget = 8;

const task = {
  prompts: `${asked}-prompts.jsonl`,
  answers: 2,
  maxNewTokens: answerTokens,
  reward: ['--model', 'reward', '--plugin', 'algo-reward', '--batch-size', '32'],
  base: 'sft',
};

writeFiles();
trainBase();
const judge = trainReward();
const secondJudge = naiveBayes(sets.others);
const agreement = (of) => mean(sets.heldOut.map(({ text, label }) => Number(of(text) > 0.5 === (label === 1))));
console.error(`second judge on held-out sentences: ${agreement(secondJudge).toFixed(3)}`);

const seeds = lists.seeds.split(',').map(Number);
const before = figuresOf('sft', { flags: ['--model', 'sft'] }, { seconds: 0, memoryBytes: 0 });
const runs = [{ method: 'sft', seed: null, ...before }];
for (const method of lists.methods.split(',')) for (const seed of seeds) runs.push(trained(method, seed));
shop.writeRows('results.jsonl', runs);
report();

/** What the runs read, drawn once. */
function writeFiles() {
  if (shop.has('held-out-sentences.jsonl')) return;
  const random = randomNumbers(1);
  const words = (text) => text.split(' ');
  const opening = ({ text }) => `${marks.begin} ${words(text).slice(0, openingWords).join(' ')}`;
  const long = (list) => list.filter(({ text }) => words(text).length >= openingWords + 4);
  const shape = { hidden_size: 128, intermediate_size: 344, num_hidden_layers: 3 };
  const heads = { num_attention_heads: 4, num_key_value_heads: 2, max_position_embeddings: 64 };
  writeWordModel(shop.path('architecture'), sets.plain, { size: 8192, ...shape, ...heads });
  const short = sets.plain.filter((text) => words(text).length <= 60);
  shop.writeRows(
    'plain.jsonl',
    short.map((text) => ({ text: `${marks.begin} ${text}` })),
  );
  const sentences = long(sets.learned).filter(({ text }) => words(text).length <= openingWords + answerTokens);
  shop.writeRows(
    'sentences.jsonl',
    sentences.map((each) => ({ prompt: opening(each), completion: words(each.text).slice(openingWords).join(' ') })),
  );
  const prompts = (list) => shuffled(long(list), random).map((each) => ({ prompt: opening(each) }));
  shop.writeRows('prompts.jsonl', prompts(sets.learned));
  const unseen = prompts(sets.heldOut);
  shop.writeRows('tuning-prompts.jsonl', unseen.slice(0, 512));
  shop.writeRows('held-out-prompts.jsonl', unseen.slice(512, 1024));
  shop.writeRows('pairs.jsonl', sentencePairs(random));
  shop.writeRows(
    'held-out-sentences.jsonl',
    sets.heldOut.map(({ text }) => ({ prompt: marks.begin, completion: text })),
  );
}

/** A kind and an unkind sentence, all of either eight times, each time without three of ten words: no sentence is learned by heart. */
function sentencePairs(random, rounds = 8, dropped = 0.3) {
  const thinned = (text) => {
    const kept = text.split(' ').filter(() => random() >= dropped);
    return kept.length < 2 ? text : kept.join(' ');
  };
  return Array.from({ length: rounds }).flatMap(() => {
    const [kind, unkind] = [1, 0].map((wanted) =>
      shuffled(
        sets.learned.filter(({ label }) => label === wanted),
        random,
      ),
    );
    return unkind.map(({ text }, at) => ({
      prompt: marks.begin,
      chosen: thinned(kind[at % kind.length].text),
      rejected: thinned(text),
    }));
  });
}

function trainBase() {
  if (!shop.has('untrained')) {
    shop.llmf(
      'init',
      'untrained',
      '--config',
      'architecture/config.json',
      '--tokenizer',
      'architecture',
      '--seed',
      '1',
    );
  }
  const train = {
    batchSize: 32,
    gradientAccumulation: 1,
    schedule: 'cosine',
    warmupRatio: 0.03,
    saveEvery: null,
    seed: 1,
  };
  shop.train('pretrained', {
    model: { path: 'untrained' },
    stage: 'pretrain',
    adapter: 'none',
    data: { train: [{ path: 'plain.jsonl' }], maxLength: 62 },
    train: { ...train, epochs: 3, learningRate: 3e-3, weightDecay: 0.1, logEvery: 200 },
    backend,
  });
  shop.train('sft', {
    model: { path: 'pretrained' },
    stage: 'sft',
    adapter: 'none',
    data: { train: [{ path: 'sentences.jsonl' }], eval: { split: 0.05 }, maxLength: 40 },
    train: { ...train, epochs: 2, learningRate: 3e-4, logEvery: 50 },
    backend,
  });
}

/** Says how it does on sentences that it has not seen: the share of labels, and of pairs of a kind and an unkind one. */
function trainReward() {
  shop.train('reward', {
    model: { path: 'pretrained' },
    plugins: ['algo-reward'],
    stage: 'reward',
    loss: { name: 'reward', centerCoefficient: 0.01 },
    adapter: 'none',
    data: { train: [{ path: 'pairs.jsonl' }], maxLength: 62, template: 'none' },
    train: {
      batchSize: 32,
      gradientAccumulation: 1,
      epochs: 1,
      learningRate: 3e-4,
      schedule: 'cosine',
      warmupRatio: 0.05,
      weightDecay: 0.1,
      logEvery: 100,
      saveEvery: null,
      seed: 1,
    },
    backend,
  });
  const scores = shop.once('held-out-scores.jsonl', (name) =>
    shop.llmf('score', 'held-out-sentences.jsonl', '--output', name, '--template', 'none', ...task.reward),
  );
  const scored = shop.rows(scores).map(({ response: { score } }, at) => ({ score, label: sets.heldOut[at].label }));
  const labels = mean(scored.map(({ score, label }) => Number(score > 0 === (label === 1))));
  const of = (wanted) => scored.filter(({ label }) => label === wanted).map(({ score }) => score);
  const unkind = of(0);
  const pairs = mean(of(1).map((score) => mean(unkind.map((other) => Number(score > other)))));
  console.error(`reward model on held-out sentences: ${labels.toFixed(3)} of labels, ${pairs.toFixed(3)} of pairs`);
  return { labels, pairs };
}

/** Trains one method from the supervised model, samples and judges. */
function trained(method, seed) {
  const name = `${method}-${seed}`;
  const usage = shop.train(name, { ...methods()[method], ...common(method, seed) });
  const flags = {
    ilql: ['--model', name, '--plugin', 'algo-ilql', '--guide', '4'],
  }[method] ?? ['--model', 'sft', '--adapter', name];
  return { method, seed, ...figuresOf(name, { flags }, usage) };
}

function common(method, seed) {
  const isOffline = method === 'kto' || method === 'ilql';
  return {
    model: { path: 'sft' },
    adapter: method === 'ilql' ? 'none' : { name: 'lora', rank: 16 },
    backend,
    train: {
      ...(isOffline
        ? { epochs: method === 'ilql' ? 4 : 2, learningRate: 5e-4 }
        : { maxSteps: 100, learningRate: 5e-4 }),
      batchSize: { ppo: 32, kto: 32, ilql: 32 }[method] ?? 8,
      gradientAccumulation: isOffline ? 1 : 2,
      logEvery: 10,
      saveEvery: null,
      seed,
    },
  };
}

/** All online methods write 64 answers a step; the offline ones learn from answers of the supervised model. */
function methods() {
  const online = { maxNewTokens: answerTokens, missingEosPenalty: 1, shownSamples: 2 };
  const shared = {
    rewards: { name: 'model', path: 'reward' },
    data: { train: [{ path: 'prompts.jsonl' }], maxLength: 40 },
  };
  return {
    ppo: {
      ...shared,
      plugins: ['algo-ppo'],
      stage: { name: 'ppo', ...online, scoreScaling: 'running', klCoefficient: 0.15, klTarget },
    },
    grpo: {
      ...shared,
      plugins: ['algo-grpo'],
      stage: { name: 'grpo', ...online, answers: 4, klCoefficient: 0.1, iterations: 2 },
    },
    rloo: {
      ...shared,
      plugins: ['algo-grpo'],
      stage: { name: 'grpo', variant: 'rloo', ...online, answers: 4, klCoefficient: 0.2, iterations: 2 },
    },
    'online-dpo': {
      ...shared,
      plugins: ['algo-online-dpo', 'loss-dpo'],
      stage: { name: 'online-dpo', ...online, answers: 4, temperature: 1 },
      loss: { name: 'dpo', beta: 0.1 },
    },
    kto: { plugins: ['loss-kto'], stage: 'unpaired', loss: { name: 'kto', beta: 0.1 }, ...offline('kto') },
    ilql: {
      plugins: ['algo-ilql'],
      stage: { name: 'ilql', tau: 0.8, gamma: 1, alpha: 0.1, syncEvery: 1 },
      ...offline('ilql'),
    },
  };
}

/** Four answers of the supervised model to each of 1,500 openings, with what the reward model says of them. */
function offline(kind) {
  if (!shop.has('offline-kto.jsonl')) {
    shop.writeRows('offline-prompts.jsonl', shop.rows('prompts.jsonl').slice(0, 1500));
    const some = { ...task, prompts: 'offline-prompts.jsonl', answers: 4 };
    const rows = sampledAnswers(shop, { name: 'offline', flags: ['--model', 'sft'] }, some).map(
      ({ prompt, answer, score }) => ({ prompt, completion: answer, reward: sigmoid(score) }),
    );
    shop.writeRows('offline-ilql.jsonl', rows);
    shop.writeRows(
      'offline-kto.jsonl',
      rows.map(({ reward, ...row }) => ({ ...row, label: reward > 0.5 })),
    );
  }
  return { data: { train: [{ path: `offline-${kind}.jsonl` }], maxLength: 40 } };
}

function figuresOf(name, { flags }, usage) {
  const answers = sampledAnswers(shop, { name, flags }, task);
  const whole = ({ prompt, answer }) => `${prompt} ${answer}`.replace(`${marks.begin} `, '');
  return {
    reward: mean(answers.map(({ score }) => sigmoid(score))),
    second: mean(answers.map((each) => secondJudge(whole(each)))),
    kl: mean(answers.map(({ kl }) => kl)),
    distinct1: distinct(
      answers.map(({ answer }) => answer),
      1,
    ),
    distinct2: distinct(
      answers.map(({ answer }) => answer),
      2,
    ),
    tokens: mean(answers.map(({ tokens }) => tokens)),
    ...usage,
  };
}

function report() {
  const header = [
    'method',
    'seed',
    'reward',
    'second judge',
    'KL',
    'distinct-1',
    'distinct-2',
    'tokens',
    'CPU s',
    'MiB',
  ];
  const held = ({ reward, second, kl, distinct2 }) =>
    reward - before.reward >= 0.15 &&
    second - before.second >= 0.08 &&
    kl <= klTarget &&
    distinct2 >= 0.8 * before.distinct2;
  printTable(
    [...header, 'held'],
    runs.map((run) => [
      run.method,
      run.seed ?? '–',
      run.reward.toFixed(3),
      run.second.toFixed(3),
      run.kl.toFixed(2),
      run.distinct1.toFixed(3),
      run.distinct2.toFixed(3),
      run.tokens.toFixed(1),
      Math.round(run.seconds),
      Math.round(run.memoryBytes / 2 ** 20),
      run.method === 'sft' ? '' : held(run) ? 'yes' : 'no',
    ]),
  );
  console.log(
    `reward model on held-out sentences: ${judge.labels.toFixed(3)} of labels, ${judge.pairs.toFixed(3)} of pairs`,
  );
}
