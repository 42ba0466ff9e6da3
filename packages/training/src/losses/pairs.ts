// SPDX-License-Identifier: Apache-2.0
import type { LossInputs, ResponseLogProbs } from '../contracts/loss.js';
import type { Tensor1D } from '@llmf/nn';
import { lossErrors } from './loss-errors.js';
import { pick } from './pick.js';

/** A value of the chosen and of the rejected answer. */
export interface ChosenRejected<T> {
  readonly chosen: T;
  readonly rejected: T;
}

/** One side's answers under one model, in nats; computed when asked for, with gradients. */
export interface PairLogProbs {
  readonly sum: Tensor1D; // [pairs]
  readonly mean: Tensor1D; // [pairs] sum / tokens
  readonly logProb: Tensor1D; // [S of this side] per counted token, pair after pair
}

/** Where one side's answers are; plain numbers, the same for policy and reference. */
export interface PairLayout {
  readonly response: Int32Array; // [pairs]
  readonly tokens: Int32Array; // [pairs] counted tokens
  readonly pair: Int32Array; // [S of this side] pair of each token, ascending
}

/** A batch of preference pairs; pair i is group i. */
export interface Pairs {
  readonly count: number;
  readonly policy: ChosenRejected<PairLogProbs>;
  /** @throws LLMF_TRAINING_LOSS_NEED when the loss did not declare that it needs one. */
  readonly reference: ChosenRejected<PairLogProbs>;
  readonly layout: ChosenRejected<PairLayout>;
  /** Parts any value per response, [R], into its sides, each [pairs]. */
  split(perResponse: Tensor1D): ChosenRejected<Tensor1D>;
}

/**
 * The ragged responses of a batch seen as pairs, whatever the order of responses and roles in it.
 *
 * @throws LLMF_TRAINING_LOSS_PAIRS when a group is not one chosen and one rejected answer.
 */
export function pairs(inputs: LossInputs): Pairs {
  const layout = { chosen: layoutOf(inputs, 'chosen'), rejected: layoutOf(inputs, 'rejected') };
  const starts = tokenStarts(inputs.tokens);
  const sides = (values: ResponseLogProbs) => ({
    chosen: sideOf(values, layout.chosen, starts),
    rejected: sideOf(values, layout.rejected, starts),
  });
  return {
    count: inputs.groups,
    policy: sides(inputs.policy),
    get reference() {
      if (inputs.reference === undefined)
        throw lossErrors.lossNeed({ wanted: "the reference's log-probs", need: "reference: 'required'" });
      return sides(inputs.reference);
    },
    layout,
    split: (perResponse) => ({
      chosen: pick(perResponse, layout.chosen.response),
      rejected: pick(perResponse, layout.rejected.response),
    }),
  };
}

function layoutOf({ group, role, tokens, groups }: LossInputs, side: 'chosen' | 'rejected'): PairLayout {
  const response = new Int32Array(groups).fill(-1);
  for (const [r, g] of group.entries()) {
    if (role[r] !== side) continue;
    if (response[g] !== -1) throw notAPair({ group, role }, g);
    response[g] = r;
  }
  const missing = response.indexOf(-1);
  if (missing !== -1) throw notAPair({ group, role }, missing);
  const sideTokens = response.map((r) => tokens[r]!);
  const pair = Int32Array.from([...sideTokens].flatMap((count, i) => Array.from({ length: count }, () => i)));
  return { response, tokens: sideTokens, pair };
}

function sideOf(values: ResponseLogProbs, { response, tokens }: PairLayout, starts: Int32Array): PairLogProbs {
  return {
    get sum() {
      return pick(values.sum, response);
    },
    get mean() {
      return pick(values.mean, response);
    },
    get logProb() {
      const places = [...response].flatMap((r, i) => Array.from({ length: tokens[i]! }, (_, t) => starts[r]! + t));
      return pick(values.logProb, Int32Array.from(places));
    },
  };
}

/** First token of each response in the packed [S]; responses are ascending there. */
function tokenStarts(tokens: Int32Array): Int32Array {
  const starts = new Int32Array(tokens.length);
  for (let r = 1; r < tokens.length; r++) starts[r] = starts[r - 1]! + tokens[r - 1]!;
  return starts;
}

function notAPair({ group, role }: Pick<LossInputs, 'group' | 'role'>, broken: number): Error {
  const count = (side: string) => role.filter((name, r) => name === side && group[r] === broken).length;
  return lossErrors.lossPairs({ group: broken, chosen: count('chosen'), rejected: count('rejected') });
}
