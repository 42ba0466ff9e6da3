// SPDX-License-Identifier: Apache-2.0
import type { Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import { tf } from '../../tf.js';
import { kernels } from '../../contracts/ops.js';
import { defineKernel } from '../define-kernel.js';
import { defineOp } from '../define-op.js';
import { embeddingGradient } from '../embedding/gradient.js';
import {
  selectedLogProbsComposite,
  selectedLogProbsGradientComposite,
  selectedLogProbsSlopeComposite,
  type LogitForm,
  type Outputs,
  type SelectedLogProbsAttributes,
  type SelectedLogProbsInputs,
} from './composite.js';

const selectedLogProbsGradient = defineKernel(kernels.selectedLogProbsGradient, selectedLogProbsGradientComposite);
const selectedLogProbsKernel = defineKernel<SelectedLogProbsInputs, SelectedLogProbsAttributes, Outputs>(
  kernels.selectedLogProbs,
  selectedLogProbsComposite,
);

/**
 * Where the backend keeps nothing of the logits, they are computed again in the reverse pass; logSumExp makes that one
 * matrix product and one exponential.
 */
export const selectedLogProbsOp = defineOp(selectedLogProbsKernel, {
  differentiable: ['hidden', 'head', 'bias'],
  save: ({ hidden, head, bias, rows, targets }, [logProb, logSumExp, entropy, squared, kept]) => ({
    hidden,
    head,
    bias,
    rows,
    targets,
    logProb,
    logSumExp,
    entropy,
    squared,
    kept,
  }),
  gradient({ dys: [dLogProb, , dEntropy, dSquared], saved, attributes, wants }) {
    const wantsHead = wants.has('head') || wants.has('bias');
    const { entropy, squared, ...rest } = saved;
    const [hidden, head, bias] = selectedLogProbsGradient(
      {
        ...rest,
        ...present({ dLogProb }),
        ...(attributes.entropy ? present({ dEntropy, entropy }) : {}),
        ...(attributes.squared ? present({ dSquared, squared }) : {}),
      },
      { softCap: attributes.softCap, temperature: attributes.temperature, wantsHead },
    );
    return { hidden, ...(wantsHead ? { head, bias } : {}) };
  },
});

const slopeKernel = defineKernel<
  SelectedLogProbsInputs,
  LogitForm & { readonly tokens: number },
  readonly [Tensor1D, Tensor2D]
>(kernels.selectedLogProbsSlope, selectedLogProbsSlopeComposite);

/**
 * For a frozen head and log-probs alone: ∂logProb/∂hidden is found on the way, as in attention, so that the logits are
 * computed once instead of twice. It waits as [S, C] for the factor that the loss gives each token.
 */
export const frozenHeadLogProbsOp = defineOp(slopeKernel, {
  differentiable: ['hidden'],
  save: ({ rows }, [, slope]): { rows: Tensor1D; slope: Tensor2D } => ({ rows, slope }),
  gradient: ({ dys: [dLogProb], saved: { rows, slope }, attributes: { tokens } }) => ({
    hidden: embeddingGradient({ dy: tf.mul(slope, tf.expandDims(dLogProb!, 1)), ids: rows }, { vocabulary: tokens })[0],
  }),
});

/** Leaves out what nothing depends on. */
function present<T extends Record<string, Tensor1D | null>>(values: T): { [K in keyof T]?: Tensor1D } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null)) as {
    [K in keyof T]?: Tensor1D;
  };
}
