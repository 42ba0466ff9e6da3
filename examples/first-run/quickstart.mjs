// SPDX-License-Identifier: Apache-2.0
// The first run, from nothing to a polite model, with the command that you would type. Everything it makes lies in
// runs/quickstart, which it empties first.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const command = join(folder, '..', '..', 'packages', 'cli', 'bin', 'llmf.js');
const scratch = 'runs/quickstart';
const question = 'A spider, what is that?'; // held out
const started = performance.now();

rmSync(join(folder, scratch), { recursive: true, force: true });

title('1. A model with random weights');
llmf(
  'init',
  `${scratch}/untrained`,
  '--config',
  'architecture/config.json',
  '--tokenizer',
  'architecture',
  '--seed',
  '1',
);

title('2. Supervised training: it learns the facts, and to speak as people do here, politely or rudely');
llmf('train', 'sft.yaml', `model.path=${scratch}/untrained`, `output=${scratch}/sft`);
const answerBefore = ask(`${scratch}/sft`);

title('3. Preference training with SimPO: polite answers are chosen, rude ones rejected');
llmf('train', '--plugin', 'loss-simpo', `model.path=${scratch}/sft`, `output=${scratch}/simpo`);
const answerAfter = ask(`${scratch}/simpo`);

title('What it learned');
const [before, after] = heldOutAccuracies(join(folder, scratch, 'simpo', 'metrics.jsonl'));
console.log('                         before  after');
console.log(
  `eval_rewards/accuracies  ${before.toFixed(2).padEnd(6)}  ${after.toFixed(2)}   (pairs about questions it never saw)`,
);
console.log(`\n${question}`);
console.log(`  before: ${answerBefore}`);
console.log(`  after:  ${answerAfter}`);
console.log(
  `\n${((performance.now() - started) / 1000).toFixed(0)} s in all. The files are in examples/first-run/${scratch}.`,
);
process.exitCode = after >= 0.9 ? 0 : 1;

/** Shows the command and runs it, its output on the terminal. */
function llmf(...args) {
  console.log(`$ llmf ${args.join(' ')}`);
  finish(spawnSync(process.execPath, [command, ...args], { cwd: folder, stdio: 'inherit' }));
}

/** The model's likeliest answer. */
function ask(model) {
  const args = ['generate', '--model', model, '--greedy', '--max-new-tokens', '30', '--prompt', question];
  console.log(`$ llmf ${args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg)).join(' ')}`);
  const result = spawnSync(process.execPath, [command, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const answer = result.stdout.toString().trim();
  console.log(answer);
  finish(result);
  return answer;
}

function finish({ status, signal }) {
  if (status !== 0) process.exit(status ?? (signal === 'SIGINT' ? 130 : 2));
}

/** First and last evaluation of a run. */
function heldOutAccuracies(file) {
  const rows = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const values = rows.map((row) => row['eval_rewards/accuracies']).filter((value) => value !== undefined);
  return [values[0], values.at(-1)];
}

function title(text) {
  console.log(`\n${text}\n`);
}
