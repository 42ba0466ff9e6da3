// SPDX-License-Identifier: Apache-2.0
import type { ForwardMode } from '../contracts/hooks.js';
import type { Batch, RowSet } from '../contracts/data.js';
import type { Precision } from '@llmf/core';
import { tf } from '@llmf/nn';
import type { Objective } from './objective.js';
import { trainingErrors } from '../training-errors.js';

/** Relative to max(1, |value|): two passes over the same weights differ by rounding alone. */
const tolerances: Record<Precision, number> = { f32: 1e-4, bf16: 2e-2 };

/**
 * The step-0 check: with policy ≡ reference, each term's items average to the constant the loss declares.
 * Run once, in evaluation mode, before the first update of a fresh run. @throws LLMF_TRAINING_AT_REFERENCE.
 */
export async function checkAtReference(
  objective: Objective,
  batch: Batch,
  rows: RowSet,
  mode: ForwardMode,
  precision: Precision,
): Promise<void> {
  const constants = objective.terms.map(({ loss, options }) => loss.atReference(options));
  if (constants.every((constant) => constant === null)) return;
  const reference = await objective.referenceLogProbs(batch, rows);
  const parts = tf.tidy(() =>
    objective
      .parts(batch, mode, reference)
      .map(({ term, name, sum, count }) => ({ term, name, mean: tf.keep(tf.div(sum, count)) })),
  );
  reference?.logProb.dispose();
  reference?.promptLogProb?.dispose();
  for (const { term, name, mean } of parts) {
    const [got] = await mean.data();
    mean.dispose();
    const expected = constants[term];
    if (expected === null || expected === undefined) continue;
    const tolerance = tolerances[precision] * Math.max(1, Math.abs(expected));
    if (!(Math.abs(got! - expected) <= tolerance)) {
      throw trainingErrors.atReference({ loss: name, expected, got: got!, tolerance });
    }
  }
}
