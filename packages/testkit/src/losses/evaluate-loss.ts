// SPDX-License-Identifier: Apache-2.0
import { type Loss, type LossResult, unitWeights } from '@llmf/training';
import { grads, tf, type Tensor1D } from '@llmf/nn';
import { lossInputsOf, type Provided, type RaggedBatch } from './ragged.js';

/** A loss with its options, parsed. */
export interface ChosenLoss {
  readonly loss: Loss;
  readonly options: never;
}

export interface EvaluatedResult {
  readonly unit: LossResult['unit'];
  readonly items: Float32Array;
  /** Weight of each item, as the engine applies it. */
  readonly weights: Float32Array;
  readonly metrics: Readonly<Record<string, { readonly sum: number; readonly count: number }>>;
}

/** Everything a loss gives for a batch, read back. */
export function evaluateLoss(
  chosen: ChosenLoss,
  batch: RaggedBatch,
  provided: Provided = needsOf(chosen),
): EvaluatedResult[] {
  return tf.tidy(() => {
    const results = compute(chosen, batch, tf.tensor1d(batch.logProb), tf.tensor1d(batch.promptLogProb), provided);
    return results.map(({ items, unit, metrics }) => ({
      unit,
      items: Float32Array.from(items.dataSync()),
      weights: weightsOf(chosen, batch, unit),
      metrics: Object.fromEntries(
        Object.entries(metrics).map(([name, { sum, count }]) => [name, { sum: sum.dataSync()[0]!, count }]),
      ),
    }));
  });
}

/** What the engine minimises if the batch is the whole step: Σ results Σ weight · item / Σ weight; summed in double precision. */
export function meanLoss(results: readonly Pick<EvaluatedResult, 'items' | 'weights'>[]): number {
  return results.reduce((loss, { items, weights }) => {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return loss + items.reduce((sum, item, i) => sum + item * weights[i]!, 0) / total;
  }, 0);
}

/** `mean` as the engine divides, `sum` before it does. */
export type Reduction = 'mean' | 'sum';

/** Gradient of the loss with respect to every policy log-prob: [S] answers' and [P] prompts'. */
export function lossGradient(
  chosen: ChosenLoss,
  batch: RaggedBatch,
  reduction: Reduction = 'mean',
): { logProb: Float32Array; promptLogProb: Float32Array } {
  return tf.tidy(() => {
    const scalar = (logProb: Tensor1D, prompt: Tensor1D) => {
      const results = compute(chosen, batch, logProb, prompt, needsOf(chosen));
      const shares = results.map(({ items, unit }) => {
        const weights = weightsOf(chosen, batch, unit);
        const divisor = reduction === 'sum' ? 1 : weights.reduce((sum, weight) => sum + weight, 0);
        return tf.div(tf.sum(tf.mul(items, tf.tensor1d(weights))), divisor);
      });
      return shares.reduce((sum, share) => tf.add(sum, share));
    };
    const leaves: [Tensor1D, Tensor1D] = [tf.tensor1d(batch.logProb), tf.tensor1d(batch.promptLogProb)];
    const [logProb, promptLogProb] = grads(scalar)(leaves).gradients.map((gradient) => {
      const values = Float32Array.from(gradient.dataSync());
      gradient.dispose(); // kept beyond this scope otherwise
      return values;
    });
    return { logProb: logProb!, promptLogProb: promptLogProb! };
  });
}

export const needsOf = ({ loss, options }: ChosenLoss) => loss.needs(options);

function compute(
  { loss, options }: ChosenLoss,
  batch: RaggedBatch,
  logProb: Tensor1D,
  promptLogProb: Tensor1D,
  provided: Provided,
): readonly LossResult[] {
  const results = loss.compute(lossInputsOf(batch, logProb, promptLogProb, provided), options);
  return Array.isArray(results) ? results : [results as LossResult];
}

function weightsOf(chosen: ChosenLoss, { layout, promptGroup }: RaggedBatch, unit: LossResult['unit']): Float32Array {
  const prompt = { rows: promptGroup, targets: promptGroup, group: promptGroup }; // of these, `group` alone is read
  return unitWeights({ responses: layout, groups: layout.groups, prompt }, unit, needsOf(chosen));
}
