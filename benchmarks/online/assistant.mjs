// SPDX-License-Identifier: Apache-2.0
// A real small chat model and a rule that no one here wrote: PPO or GRPO with LoRA raise the sentiment of its answers, by VADER
// (npm vader-sentiment). Prints answers to held-out questions before and after.
//
//   npm install --prefix FOLDER vader-sentiment@1.1.3
//   node benchmarks/online/assistant.mjs --model SmolLM2-135M-Instruct --rule FOLDER --output FOLDER [--method ppo|grpo]
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { mean, Workshop } from './commands.mjs';

const options = {
  model: { type: 'string' },
  rule: { type: 'string' },
  output: { type: 'string' },
  method: { type: 'string', default: 'ppo' },
  steps: { type: 'string', default: '20' },
  threads: { type: 'string', default: '1' },
};
const { model, rule, output, method, steps, threads } = parseArgs({ options }).values;
const shop = new Workshop(output);
const subjects = [
  'Mondays',
  'the rain',
  'my neighbour',
  'public transport',
  'winter',
  'homework',
  'cats',
  'old computers',
];
const others = [
  'airports',
  'long meetings',
  'the sea',
  'small towns',
  'cooking',
  'traffic',
  'my handwriting',
  'libraries',
];
const questions = ['What do you think of SUBJECT?', 'Describe SUBJECT in one sentence.', 'What is SUBJECT like?'];
/** Answers to each held-out question: of one alone the mean would be off by a tenth. */
const repeats = 2;
const rowsOf = (list) => list.flatMap((subject) => questions.map((each) => ({ prompt: asked(each, subject) })));
const asked = (question, subject) => [{ role: 'user', content: question.replace('SUBJECT', subject) }];

shop.writeRows('questions.jsonl', rowsOf(subjects));
shop.writeRows(
  'held-out.jsonl',
  Array.from({ length: repeats }).flatMap(() => rowsOf(others)),
);
const sentiment = createRequire(join(resolve(rule), 'index.js')).resolve('vader-sentiment');
shop.write(
  'rule.mjs',
  `import vader from ${JSON.stringify(sentiment)};
const { SentimentIntensityAnalyzer: analyzer } = vader;
export default (samples) => samples.map(({ answer }) => analyzer.polarity_scores(answer).compound);
`,
);

/** A step writes 32 answers: eight to each of four questions. */
const stages = {
  ppo: { name: 'ppo', answers: 8, epochs: 2, miniBatches: 2, klCoefficient: 0.02 },
  grpo: { name: 'grpo', answers: 8, klCoefficient: 0.04, iterations: 2 },
};
const usage = shop.train(method, {
  model: { path: resolve(model) },
  plugins: [`algo-${method}`],
  stage: { ...stages[method], maxNewTokens: 24, temperature: 0.9, shownSamples: 0 },
  rewards: { name: 'function', path: 'rule.mjs' },
  adapter: { name: 'lora', rank: 8 },
  data: { train: [{ path: 'questions.jsonl' }], eval: [{ path: 'held-out.jsonl' }], maxLength: 128 },
  train: {
    batchSize: 4,
    gradientAccumulation: 1,
    maxSteps: Number(steps),
    learningRate: 1e-3,
    logEvery: 1,
    evalOnStart: true,
    saveEvery: null,
    seed: 1,
  },
  backend: { name: 'cpu', threads: Number(threads) },
});

const rows = shop.rows(method, 'completions.jsonl').filter(({ split }) => split === 'eval');
const of = (step) => rows.filter((row) => row.step === step);
const [before, after] = [of(0), of(Number(steps))];
for (const [at, { prompt, answer, score }] of before.slice(0, rowsOf(others).length).entries()) {
  console.log(`\n${prompt.replaceAll(/\s+/g, ' ').slice(-70)}`);
  console.log(`  before ${score.toFixed(2)}  ${answer.replaceAll('\n', ' ')}`);
  console.log(`  after  ${after[at].score.toFixed(2)}  ${after[at].answer.replaceAll('\n', ' ')}`);
}
const kl = shop.rows(method, 'metrics.jsonl').findLast((row) => 'eval_objective/kl' in row)?.['eval_objective/kl'];
const [first, last] = [before, after].map((list) => mean(list.map(({ score }) => score)));
console.log(JSON.stringify({ method, before: first, after: last, kl: kl ?? null, ...usage }));
