// SPDX-License-Identifier: Apache-2.0
// Summaries in miniature (trlX's second case): a small chat model learns to summarise posts, a reward model learns which of
// several systems' summaries has more in common with the author's (ROUGE-L), PPO raises it. All of it is one pipeline.
//
//   node benchmarks/online/summaries.mjs --data FILE --model FOLDER --output FOLDER [--seeds 1,2,3] [--threads 1]
//
// FILE is a CSV with the columns context, ref_text and sample, the model for instance SmolLM2-135M-Instruct. The posts are
// cut into five parts; whoever is asked about one has seen the other four alone, in every stage. A seed is of the run and of
// the part: 1 to 5. A pipeline that is there is continued, also with more seeds.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { printTable } from '../support/results.mjs';
import { mean, randomNumbers, shuffled, Workshop } from './commands.mjs';
import { readSummarySets, rougeL } from './summary-sets.mjs';

const options = {
  data: { type: 'string' },
  model: { type: 'string' },
  output: { type: 'string' },
  seeds: { type: 'string', default: '1,2,3' },
  threads: { type: 'string', default: '1' },
};
const { data, model, output, threads, ...lists } = parseArgs({ options }).values;
if (data === undefined || model === undefined || output === undefined || !existsSync(data)) {
  throw new Error('--data, --model and --output are needed.');
}
const shop = new Workshop(output);
const seeds = lists.seeds.split(',').map(Number);
const parts = 5;
const postWords = 120;
const summaryTokens = 40;
const steps = 15;
/** Answers to each post that is held out, before and after. */
const repeats = 4;

const posts = shuffled(readSummarySets(data), randomNumbers(1));
const folds = Array.from({ length: parts }, (_, part) => {
  const isHeldOut = (_post, at) => at % parts === part;
  return {
    seed: part + 1,
    learned: posts.filter((post, at) => !isHeldOut(post, at)),
    heldOut: posts.filter(isHeldOut),
  };
});
const runs = folds.filter(({ seed }) => seeds.includes(seed));
writeFiles();
const usage = shop.llmf('run', 'pipeline.json', ...(shop.has('runs', 'pipeline.json') ? ['--resume'] : []));
reportJudges();
reportRuns();

/** What the stages read. */
function writeFiles() {
  for (const { seed, learned, heldOut } of runs) {
    shop.writeRows(`sft-${seed}.jsonl`, learned.map(summarised));
    shop.writeRows(`ranked-${seed}.jsonl`, learned.map(ranked));
    shop.writeRows(`prompts-${seed}.jsonl`, learned.map(promptOnly));
    shop.writeRows(
      `held-out-${seed}.jsonl`,
      Array.from({ length: repeats }).flatMap(() => heldOut.map(promptOnly)),
    );
    shop.writeRows(`held-out-sft-${seed}.jsonl`, heldOut.map(summarised));
    shop.writeRows(`held-out-summaries-${seed}.jsonl`, heldOut.flatMap(summaryRows));
  }
  shop.json('pipeline.json', {
    output: 'runs',
    common: {
      backend: { name: 'cpu', threads: Number(threads) },
      train: { gradientAccumulation: 1, warmupRatio: 0.05, saveEvery: null },
    },
    stages: Object.assign({}, ...runs.map(({ seed }) => stagesOf(seed))),
  });
}

function stagesOf(seed) {
  const sft = {
    model: { path: resolve(model) },
    stage: 'sft',
    adapter: { name: 'lora', rank: 16 },
    data: { train: [{ path: `sft-${seed}.jsonl` }], eval: [{ path: `held-out-sft-${seed}.jsonl` }], maxLength: 320 },
    train: { batchSize: 8, epochs: 2, learningRate: 5e-4, schedule: 'cosine', logEvery: 5, seed },
  };
  const reward = {
    model: { path: resolve(model) },
    plugins: ['algo-reward'],
    stage: 'reward',
    loss: { name: 'reward', variant: 'pairwise', centerCoefficient: 0.01 },
    adapter: { name: 'lora', rank: 16 },
    data: { train: [{ path: `ranked-${seed}.jsonl` }], maxLength: 320 },
    train: { batchSize: 4, epochs: 4, learningRate: 3e-4, schedule: 'cosine', logEvery: 5, seed },
  };
  const ppo = {
    from: `sft-${seed}`,
    plugins: ['algo-ppo'],
    stage: {
      name: 'ppo',
      answers: 6,
      epochs: 2,
      maxNewTokens: summaryTokens,
      missingEosPenalty: 1,
      klCoefficient: 0.05,
      shownSamples: 0,
    },
    rewards: { name: 'model', path: { from: `reward-${seed}` } },
    adapter: { name: 'lora', rank: 16 },
    data: { train: [{ path: `prompts-${seed}.jsonl` }], eval: [{ path: `held-out-${seed}.jsonl` }], maxLength: 280 },
    train: {
      batchSize: 4,
      maxSteps: steps,
      learningRate: 5e-4,
      schedule: 'constant',
      logEvery: 1,
      evalOnStart: true,
      seed,
    },
  };
  return { [`sft-${seed}`]: sft, [`reward-${seed}`]: reward, [`ppo-${seed}`]: ppo };
}

function asked({ post }) {
  return [{ role: 'user', content: `Summarize this post in one sentence.\n\n${firstWords(post, postWords)}` }];
}

function promptOnly(of) {
  return { prompt: asked(of) };
}

/** The author's summary. */
function summarised(of) {
  return { messages: [...asked(of), { role: 'assistant', content: of.reference }] };
}

/** The systems' summaries with their ROUGE-L; of those with the same, one. */
function ranked(of) {
  const rows = [...new Map(of.summaries.map((each) => [each.rouge, each])).values()];
  return { prompt: asked(of), responses: rows.map(({ text }) => text), scores: rows.map(({ rouge }) => rouge) };
}

function summaryRows(of) {
  return of.summaries.map(({ text }) => ({ messages: [...asked(of), { role: 'assistant', content: text }] }));
}

/** How often each judge prefers the better one of two summaries of a post that it has not seen. */
function reportJudges() {
  const rows = runs.map(({ seed, learned, heldOut }) => {
    const name = `held-out-scores-${seed}.jsonl`;
    const flags = ['--model', resolve(model), '--adapter', `runs/reward-${seed}`, '--plugin', 'algo-reward'];
    shop.once(name, () => shop.llmf('score', `held-out-summaries-${seed}.jsonl`, '--output', name, ...flags));
    const scores = shop.rows(name).map(({ response }) => response.score);
    let at = 0;
    const judged = heldOut.map(({ summaries }) => summaries.map((each) => ({ ...each, score: scores[at++] })));
    const byLength = lengthJudge(learned.flatMap(({ summaries }) => summaries));
    return [seed, rightPairs(judged, ({ score }) => score), rightPairs(judged, byLength)];
  });
  const accuracies = (at) => [...rows.map((row) => mean(row[at])), mean(rows.flatMap((row) => row[at]))];
  const [reward, length] = [accuracies(1), accuracies(2)];
  const names = [...runs.map(({ seed }) => String(seed)), 'all'];
  const pairs = [...rows.map((row) => row[1].length), rows.reduce((sum, row) => sum + row[1].length, 0)];
  printTable(
    ['part', 'pairs', 'reward model', 'lengths alone'],
    names.map((name, at) => [name, pairs[at], reward[at].toFixed(3), length[at].toFixed(3)]),
  );
}

/** Of each pair of a post's summaries of other ROUGE-L: 1 where the judge prefers the better one, 1/2 where neither. */
function rightPairs(judged, of) {
  return judged.flatMap((summaries) =>
    summaries.flatMap((one, at) =>
      summaries.slice(at + 1).flatMap((other) => {
        if (one.rouge === other.rouge) return [];
        const lead = (of(one) - of(other)) * Math.sign(one.rouge - other.rouge);
        return [lead === 0 ? 0.5 : Number(lead > 0)];
      }),
    ),
  );
}

/** The mean ROUGE-L of the learned summaries nearest in length: all that lengths can tell. */
function lengthJudge(summaries, nearest = 150) {
  const length = ({ text }) => text.split(' ').length;
  const known = summaries.map((each) => ({ length: length(each), rouge: each.rouge }));
  const worth = new Map();
  const of = (wanted) => {
    const near = known.toSorted((a, b) => Math.abs(a.length - wanted) - Math.abs(b.length - wanted)).slice(0, nearest);
    return mean(near.map(({ rouge }) => rouge));
  };
  return (summary) => {
    const wanted = length(summary);
    if (!worth.has(wanted)) worth.set(wanted, of(wanted));
    return worth.get(wanted);
  };
}

function reportRuns() {
  const rows = seeds.flatMap((seed) => {
    const run = `ppo-${seed}`;
    const answers = shop.rows('runs', run, 'completions.jsonl').filter(({ split }) => split === 'eval');
    const evaluations = shop.rows('runs', run, 'metrics.jsonl').filter((row) => 'eval_objective/kl' in row);
    return [0, steps].map((step) => {
      const some = answers.filter((row) => row.step === step);
      const kl = evaluations.find((row) => row.step === step)['eval_objective/kl'];
      return [
        seed,
        step,
        mean(some.map(({ score }) => score)).toFixed(3),
        mean(some.map((row) => rougeL(row.answer, postOf(seed, row).reference))).toFixed(4),
        mean(some.map(({ tokens }) => tokens)).toFixed(1),
        kl.toFixed(2),
      ];
    });
  });
  printTable(['seed', 'step', 'reward', 'ROUGE-L', 'tokens', 'KL'], rows);
  for (const row of [0, 1, 2]) showExample(seeds[0], row);
  console.log(JSON.stringify(usage));
}

function postOf(seed, { row }) {
  const { heldOut } = folds[seed - 1];
  return heldOut[row % heldOut.length];
}

/** What became of a post's summary. */
function showExample(seed, at) {
  const of = folds[seed - 1].heldOut[at];
  console.log(`\n${firstWords(of.post, 60)} …\n  author   ${of.reference}`);
  const answers = shop.rows('runs', `ppo-${seed}`, 'completions.jsonl');
  for (const row of answers.filter(({ split, row: index }) => split === 'eval' && index === at)) {
    console.log(`  step ${String(row.step).padEnd(3)} ${row.score.toFixed(2).padStart(5)}  ${row.answer}`);
  }
}

function firstWords(text, count) {
  return text.split(' ').slice(0, count).join(' ');
}
