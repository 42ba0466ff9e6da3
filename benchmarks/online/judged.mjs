// SPDX-License-Identifier: Apache-2.0
// Answers of a model to held-out prompts, and what they are worth.
import { parse } from 'node:path';
import { mean } from './commands.mjs';

/**
 * Samples answers and scores them.
 *
 * @param workshop where the files are
 * @param policy `{ name, flags }`: of the answers' files, and of `llmf sample` for the model (and its guide)
 * @param task `{ prompts, answers, maxNewTokens, reward, base }`: files and folders; answers to other prompts are other files
 * @returns an entry an answer, but for empty ones: `{ prompt, answer, tokens, score, kl }`, kl in nats against `base`, by the sampled tokens (k1)
 */
export function sampledAnswers(workshop, { name, flags }, { prompts, answers, maxNewTokens, reward, base }) {
  const asked = `${name}.${parse(prompts).name}`;
  const samples = `${asked}.samples.jsonl`;
  const counts = ['--answers', String(answers), '--max-new-tokens', String(maxNewTokens)];
  workshop.once(samples, () => workshop.llmf('sample', prompts, '--output', samples, '--sample', ...counts, ...flags));
  const written = workshop
    .rows(samples)
    .flatMap(({ prompt, samples: all }) => all.map((each) => ({ prompt, ...each })));
  const file = `${asked}.answers.jsonl`;
  workshop.writeRows(
    file,
    written.map(({ prompt, text }) => ({ prompt, completion: text })),
  );
  const scoresBy = (kind, ...words) => {
    const output = `${asked}.${kind}.jsonl`;
    workshop.once(output, () => workshop.llmf('score', file, '--output', output, ...words));
    const known = workshop.rows(output).filter(({ response }) => response !== undefined);
    return new Map(known.map(({ row, response }) => [row - 1, response]));
  };
  const rewards = scoresBy('rewards', ...reward);
  const ofBase = scoresBy('base', '--model', base, '--tokens');
  const entries = [...written.entries()].filter(([at]) => rewards.has(at) && ofBase.has(at));
  return entries.map(([at, { prompt, text, tokens, logProb }]) => ({
    prompt,
    answer: text,
    tokens,
    score: rewards.get(at).score,
    kl: logProb - sum(ofBase.get(at).logProbs.slice(0, tokens)), // an answer that was cut off has no end of its own
  }));
}

/** Different n-grams of all answers together, as a share of all of them. */
export function distinct(answers, n) {
  const grams = answers.flatMap((answer) => {
    const words = answer.split(/\s+/);
    return words.slice(n - 1).map((_, at) => words.slice(at, at + n).join(' '));
  });
  return new Set(grams).size / grams.length;
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

/** Means over answers, by what each is asked. */
export const means = (answers, asked) =>
  Object.fromEntries(Object.entries(asked).map(([name, of]) => [name, mean(answers.map(of))]));
