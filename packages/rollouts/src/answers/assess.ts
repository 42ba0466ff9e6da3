// SPDX-License-Identifier: Apache-2.0
import type { Run } from '@llmf/core';
import { tf } from '@llmf/nn';
import {
  batchLogProbs,
  disposeReference,
  evaluationMode,
  tempered,
  trainingHooks,
  type Batch,
  type Policy,
  type Reference,
  type RowSet,
} from '@llmf/training';

/** What the policy and its reference make of an answer, token by token, without a gradient. */
export interface Assessed {
  readonly logProbs: Float32Array;
  readonly entropy: Float32Array;
  /** log-probs under the reference; null without one. */
  readonly reference: Float32Array | null;
  /** Of the state before each token, by the policy's head of that name; null where none was asked for. */
  readonly values: Float32Array | null;
}

export interface Assessors {
  readonly run: Run;
  readonly policy: Policy;
  /** What the policy’s logits are divided by; the reference sees to its own. Left out: 1. */
  readonly temperature?: number;
  readonly reference: Reference | null;
  /** Name of the head that gives values. */
  readonly valueHead?: string;
}

/** One entry for each answer of the batches, in order. The pass is the one that training does, so log-probs are too. */
export async function assess(assessors: Assessors, batches: readonly Batch[], split: RowSet): Promise<Assessed[]> {
  const all: Assessed[] = [];
  for (const batch of batches) all.push(...(await assessBatch(assessors, batch, split)));
  return all;
}

async function assessBatch(
  { run, policy, temperature = 1, reference, valueHead }: Assessors,
  batch: Batch,
  split: RowSet,
): Promise<Assessed[]> {
  const own = tf.tidy(() => {
    const request = { stats: ['entropy' as const], span: 'response' as const, heads: policy.heads };
    const mode = evaluationMode(policy.adapter);
    const model = tempered(policy.model, temperature);
    const { logProb, entropy, heads } = batchLogProbs(model, batch, request, mode, trainingHooks(run));
    return [logProb, entropy!, ...(valueHead === undefined ? [] : [tf.reshape(heads![valueHead]!, [-1])])];
  });
  const [logProbs, entropy, values] = await Promise.all(own.map(read));
  const compared = reference === null ? null : await reference.logProbs(batch, split);
  const ofReference = compared === null ? null : ((await compared.logProb.data()) as Float32Array).slice();
  disposeReference(compared);
  return answersOf(batch).map(([start, end]) => ({
    logProbs: logProbs!.slice(start, end),
    entropy: entropy!.slice(start, end),
    reference: ofReference?.slice(start, end) ?? null,
    values: values?.slice(start, end) ?? null,
  }));
}

async function read(tensor: tf.Tensor): Promise<Float32Array> {
  const values = (await tensor.data()) as Float32Array;
  tensor.dispose();
  return values;
}

/** Where the counted tokens of each answer begin and end. */
function answersOf({ responses }: Batch): (readonly [number, number])[] {
  let end = 0;
  return [...responses.tokens].map((tokens) => [end, (end += tokens)] as const);
}
