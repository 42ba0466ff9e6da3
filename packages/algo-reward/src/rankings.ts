// SPDX-License-Identifier: Apache-2.0
import { pick, type LossInputs } from '@llmf/training';
import { tf, type Tensor1D } from '@llmf/nn';
import { errors } from './errors.js';

/** The answers of a batch as rankings; plain numbers. */
export interface Rankings {
  readonly groups: number;
  /** Responses of each group, the best first. */
  readonly ranked: readonly (readonly number[])[];
  /** Every two answers of a group, [pairs]: the better, the worse and whose they are. */
  readonly better: Int32Array;
  readonly worse: Int32Array;
  readonly group: Int32Array;
}

/** @throws LLMF_ALGO_REWARD_NOT_RANKED for a group of fewer than two answers */
export function rankings({ group, groups }: Pick<LossInputs, 'group' | 'groups'>): Rankings {
  const ranked = Array.from({ length: groups }, (): number[] => []);
  for (const [response, g] of group.entries()) ranked[g]!.push(response);
  const alone = ranked.findIndex((answers) => answers.length < 2);
  if (alone !== -1) throw errors.notRanked({ group: alone, answers: ranked[alone]!.length });
  const pairs = ranked.flatMap((answers, g) =>
    answers.flatMap((better, i) => answers.slice(i + 1).map((worse) => [better, worse, g] as const)),
  );
  const column = (at: 0 | 1 | 2) => Int32Array.from(pairs, (pair) => pair[at]);
  return { groups, ranked, better: column(0), worse: column(1), group: column(2) };
}

/** By how much the better answer of each pair leads: [R] → [pairs]. */
export function leads(scores: Tensor1D, { better, worse }: Rankings): Tensor1D {
  if (isDistinct(better) && isDistinct(worse)) return tf.sub(pick(scores, better), pick(scores, worse));
  const of = (responses: Int32Array) => tf.gather(scores, tf.tensor1d(responses, 'int32'));
  return tf.sub<Tensor1D>(of(better), of(worse));
}

const isDistinct = (values: Int32Array): boolean => new Set(values).size === values.length;

/** Pairs of each group. */
export function pairCounts({ ranked }: Rankings): Float32Array {
  return Float32Array.from(ranked, ({ length }) => (length * (length - 1)) / 2);
}
