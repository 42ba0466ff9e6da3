// SPDX-License-Identifier: Apache-2.0
// Summaries in miniature (trlX's second case): a small model learns to summarise posts and writes some; a reward model learns
// which of several systems' summaries, and of those, has more in common with the author's (ROUGE-L); PPO raises it. All of it
// is one pipeline.
//
//   node benchmarks/online/summaries.mjs --data FILE --output FOLDER [--seeds 1,2,3] [--threads 1]
//
// FILE is a CSV with the columns context, ref_text and sample. The posts are cut into five parts; whoever is asked about one
// has seen the other four alone, in every stage. A seed is of the run and of the part: 1 to 5. A pipeline that is there is
// continued, also with more seeds.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { printTable } from '../support/results.mjs';
import { mean, randomNumbers, shuffled, Workshop } from './commands.mjs';
import { RareWords, rareMarks } from './rare-words.mjs';
import { readSummarySets, rougeL } from './summary-sets.mjs';
import { marks, writeWordModel } from './word-model.mjs';

const options = {
  data: { type: 'string' },
  output: { type: 'string' },
  seeds: { type: 'string', default: '1,2,3,4,5' },
  threads: { type: 'string', default: '1' },
};
const { data, output, threads, ...lists } = parseArgs({ options }).values;
if (data === undefined || output === undefined || !existsSync(data)) throw new Error('--data and --output are needed.');
const shop = new Workshop(output);
const seeds = lists.seeds.split(',').map(Number);
const parts = 5;
const postWords = 100;
const summaryWords = 40;
const steps = 50;
const ask = 'TL;DR';
/** Times that each post is read, each time without some of its words, so that none is learned by heart. */
const copies = { sft: 2, reward: 12, prompts: 12 };
const dropped = 0.15;
/** Answers of each post that is held out. */
const repeats = 8;

let random = randomNumbers(1);
const posts = shuffled(readSummarySets(data), random);
const vocabulary = commonWords(posts.map(({ post }) => post));
const folds = Array.from({ length: parts }, (_, part) => {
  const isHeldOut = (at) => at % parts === part;
  return {
    seed: part + 1,
    learned: posts.filter((_, at) => !isHeldOut(at)),
    heldOut: posts.filter((_, at) => isHeldOut(at)).map((of) => asked(of, of.post)),
  };
});
const runs = folds.filter(({ seed }) => seeds.includes(seed));
writeFiles();
const usage = shop.llmf('run', 'pipeline.json', ...(shop.has('runs', 'pipeline.json') ? ['--resume'] : []));
reportJudges();
reportRuns();

/** What the stages read. */
function writeFiles() {
  const shape = { hidden_size: 96, intermediate_size: 256, num_hidden_layers: 3 };
  const heads = { num_attention_heads: 4, num_key_value_heads: 2, max_position_embeddings: 320 };
  const all = [...vocabulary, ...rareMarks, ask].join(' ');
  writeWordModel(shop.path('architecture'), [all, all, all], { size: 4096, ...shape, ...heads });
  for (const { seed, learned, heldOut } of runs) {
    random = randomNumbers(seed); // a part's rows are the same, whichever others are asked for
    shop.writeRows(`sft-${seed}.jsonl`, shuffled(times(learned, copies.sft).flatMap(summarised), random));
    shop.writeRows(
      `ranked-${seed}.jsonl`,
      times(learned, copies.reward).map((of) => ranked(thinned(of), learned)),
    );
    const prompts = times(learned, copies.prompts).map(thinned);
    shop.writeRows(`prompts-${seed}.jsonl`, prompts.map(promptOnly));
    shop.json(`references-${seed}.json`, Object.fromEntries(prompts.map((each) => [each.prompt, reference(each)])));
    shop.write(`rouge-${seed}.mjs`, rule(seed));
    shop.writeRows(`held-out-${seed}.jsonl`, times(heldOut, repeats).map(promptOnly));
    shop.writeRows(`held-out-summaries-${seed}.jsonl`, heldOut.flatMap(summaryRows));
  }
  shop.json('pipeline.json', {
    output: 'runs',
    common: {
      backend: { name: 'cpu', threads: Number(threads) },
      train: { gradientAccumulation: 1, schedule: 'cosine', warmupRatio: 0.05, weightDecay: 0.1, saveEvery: null },
    },
    stages: Object.assign(
      {
        untrained: {
          command: 'init',
          flags: { config: 'architecture/config.json', tokenizer: 'architecture', seed: 1 },
        },
      },
      ...runs.map(({ seed }) => stagesOf(seed)),
    ),
  });
}

function stagesOf(seed) {
  const sft = {
    from: 'untrained',
    stage: 'sft',
    adapter: 'none',
    data: {
      train: [{ path: `sft-${seed}.jsonl` }],
      eval: [{ path: `held-out-summaries-${seed}.jsonl` }],
      maxLength: 200,
    },
    train: { batchSize: 16, epochs: 2, learningRate: 2e-3, logEvery: 50, seed },
  };
  const samples = {
    command: 'sample',
    arguments: [`prompts-${seed}.jsonl`],
    flags: {
      model: { from: `sft-${seed}` },
      sample: true,
      answers: 8,
      maxNewTokens: summaryWords,
      output: 'samples.jsonl',
    },
  };
  const compared = {
    command: 'label',
    arguments: [
      { from: `samples-${seed}`, file: 'samples.jsonl' },
      `rewards={name: function, path: ./rouge-${seed}.mjs}`,
    ],
    flags: { rows: 'rankings', output: 'ranked.jsonl' },
  };
  const reward = {
    from: `sft-${seed}`,
    plugins: ['algo-reward'],
    stage: 'reward',
    loss: { name: 'reward', variant: 'pairwise', centerCoefficient: 0.01 },
    adapter: 'none',
    data: {
      train: [{ path: `ranked-${seed}.jsonl` }, { path: { from: `compared-${seed}`, file: 'ranked.jsonl' } }],
      maxLength: 200,
      template: 'none',
    },
    train: { batchSize: 8, epochs: 1, learningRate: 2e-3, logEvery: 10, seed },
  };
  const ppo = {
    from: `sft-${seed}`,
    plugins: ['algo-ppo'],
    stage: {
      name: 'ppo',
      answers: 8,
      maxNewTokens: summaryWords,
      missingEosPenalty: 1,
      scoreScaling: 'first',
      klCoefficient: 0.1,
      shownSamples: 0,
    },
    rewards: { name: 'model', path: { from: `reward-${seed}` } },
    adapter: { name: 'lora', rank: 16 },
    data: { train: [{ path: `prompts-${seed}.jsonl` }], eval: [{ path: `held-out-${seed}.jsonl` }], maxLength: 150 },
    train: {
      batchSize: 8,
      maxSteps: steps,
      learningRate: 1e-3,
      schedule: 'constant',
      logEvery: 5,
      evalOnStart: true,
      seed,
    },
  };
  const stages = { sft, samples, compared, reward, ppo };
  return Object.fromEntries(Object.entries(stages).map(([name, stage]) => [`${name}-${seed}`, stage]));
}

/** A prompt of a post: its first words and what is asked, its rare words as marks. */
function asked(of, post) {
  const read = firstWords(post, postWords);
  const words = new RareWords(read, vocabulary);
  return { of, words, prompt: `${marks.begin} ${words.hidden(read)} ${ask}` };
}

/** The same of a post without some of its words. */
function thinned(of) {
  return asked(of, withoutSome(of.post));
}

function withoutSome(text) {
  const kept = text.split(' ').filter(() => random() >= dropped);
  return kept.length === 0 ? text : kept.join(' ');
}

/** What the rule is to know of a prompt. */
function reference({ of, words }) {
  return { reference: of.reference, words };
}

/** The rule that the policy's own summaries are ranked by. */
function rule(seed) {
  const url = (name) => JSON.stringify(pathToFileURL(join(import.meta.dirname, name)).href);
  return `import { readFileSync } from 'node:fs';
import { withWords } from ${url('rare-words.mjs')};
import { rougeL } from ${url('summary-sets.mjs')};
const references = JSON.parse(readFileSync(new URL('references-${seed}.json', import.meta.url), 'utf8'));
export default (samples) => samples.map(({ prompt, answer }) => {
  const { reference, words } = references[prompt];
  return rougeL(withWords(answer, new Map(Object.entries(words))), reference);
});
`;
}

function promptOnly({ prompt }) {
  return { prompt };
}

/** The author's summary and those of the systems, each to the post as it is read another time. */
function summarised(of) {
  return [of.reference, ...of.summaries.map(({ text }) => text)].map((text) => {
    const { prompt, words } = thinned(of);
    return { prompt, completion: firstWords(withoutUnknown(words.hidden(text)), summaryWords) };
  });
}

/** What a policy is to write: an unknown word is never right. */
function withoutUnknown(text) {
  const kept = text.split(' ').filter((word) => word !== marks.unknown);
  return kept.length === 0 ? text : kept.join(' ');
}

/** Summaries of the post, each other one without some of its words, and other texts, with their ROUGE-L; of equal ones one. */
function ranked({ of, words, prompt }, learned) {
  const own = pick(of.summaries, 8).map(({ text }, at) => (at % 2 === 0 ? text : withoutSome(text)));
  const all = [...own, ...others(of, learned)].map((text) => ({ text, rouge: rougeL(text, of.reference) }));
  const different = new Map(shuffled(all, random).map((each) => [each.rouge, each]));
  const rows = [...different.values()];
  return {
    prompt,
    responses: rows.map(({ text }) => firstWords(words.hidden(text), 2 * summaryWords)),
    scores: rows.map(({ rouge }) => rouge),
  };
}

/** What a policy may write and no system did: sentences of the post, summaries of other posts, such that break off or change. */
function others(of, learned) {
  const sentences = of.post.split(/ (?<=[.!?] )/).filter((each) => each.split(' ').length >= 4);
  const elsewhere = pick(learned, 3).flatMap(({ summaries }) => pick(summaries, 1).map(({ text }) => text));
  const [broken, begun] = pick(of.summaries, 2).map(({ text }) => firstWords(text, 2 + Math.floor(8 * random())));
  return [...pick(sentences, 2), ...elsewhere.slice(1), broken, `${begun} ${elsewhere[0]}`];
}

function pick(list, count) {
  return shuffled(list, random).slice(0, count);
}

function summaryRows({ of, words, prompt }) {
  return of.summaries.map(({ text }) => ({ prompt, completion: words.hidden(text) }));
}

/** How often each judge prefers the better one of two summaries of a post that it has not seen. */
function reportJudges() {
  for (const [of, judgedOf] of [
    ['systems', systemsJudged],
    ['the policy', policyJudged],
  ]) {
    const rows = runs.map((run) => {
      const { judged, known } = judgedOf(run);
      return [String(run.seed), rightPairs(judged, ({ score }) => score), rightPairs(judged, lengthJudge(known))];
    });
    const all = ['all', ...[1, 2].map((at) => rows.flatMap((row) => row[at]))];
    printTable(
      [`summaries of ${of}, part`, 'pairs', 'reward model', 'lengths alone'],
      [...rows, all].map(([name, reward, length]) => [
        name,
        reward.length,
        mean(reward).toFixed(3),
        mean(length).toFixed(3),
      ]),
    );
  }
}

/** The systems' summaries of each post that is held out, scored; and those by which lengths are judged. */
function systemsJudged({ seed, learned, heldOut }) {
  const name = `held-out-scores-${seed}.jsonl`;
  const words = ['--plugin', 'algo-reward', '--template', 'none', '--batch-size', '16', '--output', name];
  shop.once(name, () =>
    shop.llmf('score', `held-out-summaries-${seed}.jsonl`, '--model', `runs/reward-${seed}`, ...words),
  );
  const scores = shop.rows(name).map(({ response }) => response.score);
  let at = 0;
  const judged = heldOut.map(({ of }) => of.summaries.map((each) => ({ ...each, score: scores[at++] })));
  return { judged, known: learned.flatMap(({ summaries }) => summaries) };
}

/** The same of what the supervised policy wrote. */
function policyJudged({ seed, heldOut }) {
  const answers = evaluated(seed, 0).map((row) => {
    const text = wordsOf(seed, row);
    return { at: row.row % heldOut.length, text, score: row.score, rouge: rougeOf(seed, row) };
  });
  const known = shop
    .rows('runs', `compared-${seed}`, 'ranked.jsonl')
    .flatMap(({ responses, scores }) => responses.map((text, at) => ({ text, rouge: scores[at] })));
  return { judged: heldOut.map((_, at) => answers.filter((each) => each.at === at)), known };
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
  const of = (asked) => {
    const near = known.toSorted((a, b) => Math.abs(a.length - asked) - Math.abs(b.length - asked)).slice(0, nearest);
    return mean(near.map(({ rouge }) => rouge));
  };
  return (summary) => {
    const asked = length(summary);
    if (!worth.has(asked)) worth.set(asked, of(asked));
    return worth.get(asked);
  };
}

function reportRuns() {
  const rows = seeds.flatMap((seed) => {
    const run = `ppo-${seed}`;
    const evaluations = shop.rows('runs', run, 'metrics.jsonl').filter((row) => 'eval_objective/kl' in row);
    return [0, steps].map((step) => {
      const some = evaluated(seed, step);
      const kl = evaluations.find((row) => row.step === step)['eval_objective/kl'];
      return [
        seed,
        step,
        mean(some.map(({ score }) => score)).toFixed(3),
        mean(some.map((row) => rougeOf(seed, row))).toFixed(4),
        mean(some.map(({ tokens }) => tokens)).toFixed(1),
        kl.toFixed(2),
      ];
    });
  });
  printTable(['seed', 'step', 'reward', 'ROUGE-L', 'tokens', 'KL'], rows);
  for (const row of [0, 1, 2]) showExample(seeds[0], row);
  console.log(JSON.stringify(usage));
}

/** Answers to the posts that are held out. */
function evaluated(seed, step) {
  const rows = shop.rows('runs', `ppo-${seed}`, 'completions.jsonl');
  return rows.filter((row) => row.split === 'eval' && row.step === step);
}

function rougeOf(seed, row) {
  return rougeL(wordsOf(seed, row), postOf(seed, row).of.reference);
}

function postOf(seed, { row }) {
  const { heldOut } = folds[seed - 1];
  return heldOut[row % heldOut.length];
}

function wordsOf(seed, row) {
  return postOf(seed, row).words.shown(row.answer);
}

/** What became of a post's summary. */
function showExample(seed, at) {
  const { of } = folds[seed - 1].heldOut[at];
  console.log(`\n${firstWords(of.post, 60)} …\n  author   ${of.reference}`);
  const answers = shop.rows('runs', `ppo-${seed}`, 'completions.jsonl');
  for (const row of answers.filter(({ split, row }) => split === 'eval' && row === at)) {
    console.log(`  step ${String(row.step).padEnd(3)} ${row.score.toFixed(2).padStart(5)}  ${wordsOf(seed, row)}`);
  }
}

function times(list, count) {
  return Array.from({ length: count }).flatMap(() => list);
}

function firstWords(text, count) {
  return text.split(' ').slice(0, count).join(' ');
}

/** Those in at least so great a share of the posts: words that say nothing of what a post is about. */
function commonWords(texts, least = 0.15) {
  const counts = new Map();
  for (const text of texts) for (const word of new Set(text.split(' '))) counts.set(word, (counts.get(word) ?? 0) + 1);
  return new Set([...counts].filter(([, count]) => count >= least * texts.length).map(([word]) => word));
}
