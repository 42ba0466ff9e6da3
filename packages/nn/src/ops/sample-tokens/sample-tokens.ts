// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { kernels, type SampleTokensAttributes, type TokenLists } from '../../contracts/ops.js';
import { errors } from '../../errors.js';
import { checkShape } from '../checks.js';
import { defineKernel } from '../define-kernel.js';
import { sampleTokensComposite } from './composite.js';

export interface SampleTokensOptions extends Partial<Omit<SampleTokensAttributes, 'draws' | 'seen' | 'banned'>> {
  /** Tokens of each row that the repetition penalty is for. */
  readonly seen?: readonly ArrayLike<number>[];
  /** Tokens of each row that cannot be chosen. */
  readonly banned?: readonly ArrayLike<number>[];
}

/** Of each row of logits. */
export interface SampledTokens {
  /** int32; −1 where the logits are not numbers, or every token is banned. */
  readonly ids: Tensor1D; // [S]
  /** By the logits as they are, whatever the options cut off: what `selectedLogProbs` gives for the token. */
  readonly logProb: Tensor1D; // [S]
}

const kernel = defineKernel(kernels.sampleTokens, sampleTokensComposite);

/**
 * One token for each row of logits [S, V], chosen on the backend, so that logits need not be read. A row's choice depends
 * on that row and its draw alone. Backends agree in it except where a draw, or a limit of nucleus or min-p, lies within
 * float32's rounding of the edge between two tokens.
 *
 * @param draws numbers in [0, 1), one a row
 * @throws LLMF_NN_SHAPE, LLMF_NN_INDEX, LLMF_NN_VALUE
 */
export function sampleTokens(logits: Tensor2D, draws: Float32Array, options: SampleTokensOptions = {}): SampledTokens {
  const op = 'sampleTokens';
  checkShape(op, 'logits', logits, [draws.length, null], `[${draws.length}, vocabulary], a row for each draw`);
  const wrong = draws.find((draw) => !(draw >= 0 && draw < 1));
  if (wrong !== undefined) {
    throw errors.value({ op, input: 'draws', got: String(wrong), expected: 'numbers from 0 to below 1' });
  }
  const { temperature = 1, topK = 0, topP = 1, minP = 0, repetitionPenalty = 1 } = options;
  const lists = (input: 'seen' | 'banned') => listsOf(input, options[input], logits.shape);
  const [seen, banned] = [lists('seen'), lists('banned')];
  const [ids, logProb] = kernel({ logits }, { draws, temperature, topK, topP, minP, repetitionPenalty, seen, banned });
  return { ids, logProb };
}

function listsOf(
  input: string,
  given: readonly ArrayLike<number>[] | undefined,
  [rows, vocabulary]: readonly [number, number],
): TokenLists {
  const lists = given ?? Array.from({ length: rows }, () => []);
  if (lists.length !== rows) {
    throw errors.shape({ op: 'sampleTokens', input, got: [lists.length], expected: `[${rows}], one per row` });
  }
  const starts = new Int32Array(rows + 1);
  for (const [row, list] of lists.entries()) starts[row + 1] = starts[row]! + list.length;
  const ids = new Int32Array(starts[rows]!);
  for (const [row, list] of lists.entries()) ids.set(list, starts[row]);
  const position = ids.findIndex((id) => id < 0 || id >= vocabulary);
  if (position !== -1) {
    throw errors.index({ op: 'sampleTokens', input, position, got: ids[position]!, limit: vocabulary });
  }
  return { starts, ids };
}
