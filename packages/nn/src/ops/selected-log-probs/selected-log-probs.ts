// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { currentTape } from '../../autograd/tape.js';
import { errors } from '../../errors.js';
import { tf } from '../../tf.js';
import { checkShape, intTensor, type Ints } from '../checks.js';
import { checkSoftCap } from '../soft-cap.js';
import type { SelectedLogProbsInputs } from './composite.js';
import { frozenHeadLogProbsOp, selectedLogProbsOp } from './gradient.js';

export interface SelectedLogProbsOptions {
  readonly bias?: Tensor1D | null | undefined; // [V]
  /** Also give the entropy of each distribution. */
  readonly entropy?: boolean | undefined;
  /** Also give log Σ p². */
  readonly squared?: boolean | undefined;
  /** c: logits z become c · tanh(z / c), before the temperature; 0: they stay. */
  readonly softCap?: number | undefined;
  /** Logits are divided by it. */
  readonly temperature?: number | undefined;
}

/** Per selected row, in nats. */
export interface SelectedLogProbs {
  readonly logProb: Tensor1D; // [S]
  readonly entropy?: Tensor1D; // [S]
  readonly logSumSquaredProbabilities?: Tensor1D; // [S]
}

/**
 * The primitive under every loss: log-probabilities of chosen tokens, of hidden states [T, C] and a language-model head
 * [V, C]. Row `rows[s]` predicts token `targets[s]`; rows may repeat, so a prompt's last row serves several answers.
 * Logits exist in chunks only.
 *
 * @param rows, targets [S]; prefer Int32Arrays: they are checked here, and no backend has to read them back
 * @throws LLMF_NN_SHAPE, LLMF_NN_INDEX, LLMF_NN_VALUE
 */
export function selectedLogProbs(
  hidden: Tensor2D,
  head: Tensor2D,
  rows: Ints,
  targets: Ints,
  options: SelectedLogProbsOptions = {},
): SelectedLogProbs {
  const op = 'selectedLogProbs';
  const { bias, entropy = false, squared = false, softCap = 0, temperature = 1 } = options;
  checkShape(op, 'hidden', hidden, [null, null], '[tokens, hidden size]');
  const [tokens, size] = hidden.shape;
  checkShape(op, 'head', head, [null, size], `[vocabulary, ${size}]`);
  const vocabulary = head.shape[0];
  if (bias) checkShape(op, 'bias', bias, [vocabulary], `[${vocabulary}]`);
  if (!(temperature > 0)) {
    throw errors.value({ op, input: 'temperature', got: String(temperature), expected: 'a positive number' });
  }
  checkSoftCap(op, softCap);
  const [count, targetCount] = [rows, targets].map((ints) => (ints instanceof Int32Array ? ints.length : ints.size));
  if (count !== targetCount) {
    throw errors.shape({ op, input: 'targets', got: [targetCount!], expected: `[${count}], one per row` });
  }
  return tf.tidy(() => {
    const inputs = {
      hidden,
      head,
      bias: bias ?? undefined,
      rows: intTensor(op, 'rows', rows, tokens),
      targets: intTensor(op, 'targets', targets, vocabulary),
    };
    if (count === 0) return { logProb: tf.zeros([0]), ...nothing(entropy, squared) };
    if (!entropy && !squared && onlyHiddenIsTrained(inputs)) {
      return { logProb: frozenHeadLogProbsOp(inputs, { softCap, temperature, tokens: tokens! })[0] };
    }
    const [logProb, , entropies, squares] = selectedLogProbsOp(inputs, {
      entropy,
      squared,
      softCap,
      temperature,
      keeps: tf.engine().isTapeOn(),
    });
    return {
      logProb,
      ...(entropy ? { entropy: entropies } : {}),
      ...(squared ? { logSumSquaredProbabilities: squares } : {}),
    };
  }) as SelectedLogProbs;
}

/** Does the pass go back to the hidden states, and neither to the head nor to its bias? */
function onlyHiddenIsTrained({ hidden, head, bias }: SelectedLogProbsInputs): boolean {
  const tape = currentTape();
  if (tape === null || tape.mode === 'observe' || !tape.needs(hidden)) return false;
  return !tape.needs(head) && (bias === undefined || !tape.needs(bias));
}

function nothing(entropy: boolean, squared: boolean): Omit<SelectedLogProbs, 'logProb'> {
  return {
    ...(entropy ? { entropy: tf.zeros([0]) as Tensor1D } : {}),
    ...(squared ? { logSumSquaredProbabilities: tf.zeros([0]) as Tensor1D } : {}),
  };
}
