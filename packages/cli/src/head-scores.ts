// SPDX-License-Identifier: Apache-2.0
import type { Batch } from '@llmf/training';
import type { Head } from '@llmf/nn';

/** A text under a reward model (one number), or under a classifier: a number per label, and what follows from them. */
interface TextScore {
  readonly score: number | readonly number[];
  readonly tokens: number;
  /** The likeliest label; of several that may hold, all above 1/2. */
  readonly label?: string | readonly string[];
  /** Of each label by name. */
  readonly probabilities?: Readonly<Record<string, number>>;
}
/** A text under a classifier of tokens: each token as text, and its label. */
interface TokenScore {
  readonly tokens: readonly string[];
  readonly labels: readonly string[];
}
export type HeadScore = TextScore | TokenScore;

/**
 * What a head's outputs say of each answer of a batch.
 * @param values [R, outputs], or [S, outputs] of a head at tokens @param textOf of a token
 */
export function headScoresOf(
  values: Float32Array,
  { responses, response, targets }: Batch,
  head: Head,
  textOf: (id: number) => string,
): HeadScore[] {
  const { outputs } = head;
  const names = head.labels ?? Array.from({ length: outputs }, (_, at) => `LABEL_${at}`);
  const ofRow = (row: number) => [...values.subarray(row * outputs, (row + 1) * outputs)];
  if (head.at !== 'token') return [...responses.tokens].map((tokens, r) => textScore(ofRow(r), tokens, names, head));
  return [...responses.tokens.keys()].map((r) => {
    const rows = [...response.keys()].filter((row) => response[row] === r);
    return {
      tokens: rows.map((row) => textOf(targets[row]!)),
      labels: rows.map((row) => names[largestOf(ofRow(row))]!),
    };
  });
}

function textScore(logits: readonly number[], tokens: number, names: readonly string[], { problem }: Head): TextScore {
  const score = logits.length === 1 ? logits[0]! : logits;
  if (logits.length === 1 || problem === 'regression') return { score, tokens };
  const hold = problem === 'multi_label_classification';
  const shares = hold ? logits.map((logit) => 1 / (1 + Math.exp(-logit))) : softmax(logits);
  return {
    score,
    tokens,
    label: hold ? names.filter((_name, at) => shares[at]! > 0.5) : names[largestOf(logits)]!,
    probabilities: Object.fromEntries(names.map((name, at) => [name, shares[at]!])),
  };
}

const largestOf = (values: readonly number[]): number => values.indexOf(Math.max(...values));

function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits);
  const exponentials = logits.map((logit) => Math.exp(logit - largest));
  const total = exponentials.reduce((sum, each) => sum + each, 0);
  return exponentials.map((each) => each / total);
}
