// SPDX-License-Identifier: Apache-2.0
import { logSigmoid, pick } from '@llmf/training';
import { segmentSum, tf, type Tensor1D } from '@llmf/nn';
import { leads, pairCounts, type Rankings } from './rankings.js';

/** Scores [R] → one value per ranking [G]; `margin` [G] is wanted between the answers of a pair. */
export type Variant = (scores: Tensor1D, rankings: Rankings, margin: Tensor1D | null) => Tensor1D;

/** log(1 + e^x), exact for every x. */
const softplus = (x: Tensor1D): Tensor1D => tf.neg(logSigmoid(tf.neg(x)));

/**
 * The likelihood of the whole order, L = −Σ_i log(e^{s_i} / Σ_{j≥i} e^{s_j}): Plackett, "The analysis of permutations", 1975,
 * as a reward model's loss in Zhu et al., 2023, arXiv:2301.11270, section 4. With tail_i = log Σ_{j≥i} e^{s_j} each term
 * is softplus(tail_{i+1} − s_i), so that of two answers it is −log σ(s_1 − s_2), to the bit.
 */
const plackettLuce: Variant = (scores, { ranked, groups }, margin) => {
  const bySize = [...ranked.keys()].sort((a, b) => ranked[b]!.length - ranked[a]!.length || a - b);
  const longest = ranked[bySize[0]!]!.length;
  const terms: Tensor1D[] = [];
  const owners: number[] = [];
  let tails: Tensor1D | null = null; // of the rankings that go on, the longest first
  for (let place = longest - 2; place >= 0; place--) {
    const active = bySize.filter((g) => ranked[g]!.length >= place + 2);
    const last = active.filter((g) => ranked[g]!.length === place + 2).map((g) => ranked[g]![place + 1]!);
    const ending = last.length === 0 ? [] : [pick(scores, Int32Array.from(last))];
    const tail = tf.concat([...(tails === null ? [] : [tails]), ...ending]);
    const own = pick(
      scores,
      Int32Array.from(active, (g) => ranked[g]![place]!),
    );
    const behind = tf.sub<Tensor1D>(tail, own);
    const wanted = margin === null ? behind : tf.add<Tensor1D>(behind, pick(margin, Int32Array.from(active)));
    const term = softplus(wanted);
    terms.push(term);
    owners.push(...active);
    tails = tf.add(own, term);
  }
  return summedByGroup(tf.concat(terms), owners, groups);
};

/** −log σ of every two answers' difference, averaged: InstructGPT, Ouyang et al., 2022, arXiv:2203.02155, eq. 1. */
const pairwise: Variant = (scores, rankings, margin) => {
  const lead = leads(scores, rankings);
  const wanted = margin === null ? lead : tf.sub<Tensor1D>(lead, pick(margin, rankings.group));
  return tf.div(
    segmentSum(softplus(tf.neg(wanted)), rankings.group, rankings.groups),
    tf.tensor1d(pairCounts(rankings)),
  );
};

/** Σ max(0, s_j − s_i) over answers i better than j: RRHF, Yuan et al., 2023, arXiv:2304.05302, eq. 2. */
const rrhf: Variant = (scores, rankings, margin) => {
  const lead = leads(scores, rankings);
  const wanted = margin === null ? lead : tf.sub<Tensor1D>(lead, pick(margin, rankings.group));
  return segmentSum(tf.relu(tf.neg(wanted)), rankings.group, rankings.groups);
};

export const variants = { 'plackett-luce': plackettLuce, pairwise, rrhf } satisfies Record<string, Variant>;
export const variantNames = Object.keys(variants) as (keyof typeof variants)[];

/** Values of owners in any order → their sums [groups]. */
function summedByGroup(values: Tensor1D, owners: readonly number[], groups: number): Tensor1D {
  const order = [...owners.keys()].sort((a, b) => owners[a]! - owners[b]! || a - b);
  const sorted = pick(values, Int32Array.from(order));
  return segmentSum(
    sorted,
    Int32Array.from(order, (at) => owners[at]!),
    groups,
  );
}
