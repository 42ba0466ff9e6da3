// SPDX-License-Identifier: Apache-2.0
import { tf, type AttachedHead, type Tensor2D } from '@llmf/nn';
import type { Batch } from '../contracts/data.js';
import type { Pooling } from '../contracts/loss.js';

/**
 * What a head makes of the hidden states [T, C] of a batch: [S, outputs] at tokens, [S, 2] at
 * actions, [R, outputs] at answers.
 * @param paddingId the model's, which a sequence classifier does not read at
 */
export function headOutputs(
  attached: AttachedHead,
  hidden: Tensor2D,
  batch: Batch,
  paddingId: number | null,
): Tensor2D {
  const { at, readsPadding = false } = attached.head;
  if (at === 'token') return attached.forward(rowsOf(hidden, batch.rows));
  if (at === 'action') return attached.actions(rowsOf(hidden, batch.rows), batch.targets);
  return attached.forward(pooledStates(hidden, batch, at, readsPadding ? null : paddingId));
}

/** The hidden states [T, C] of each answer as one vector, [R, C]: of its first or last token, or the mean of its own. */
export function pooledStates(hidden: Tensor2D, batch: Batch, pooling: Pooling, paddingId: number | null): Tensor2D {
  const { start, length } = batch.responses;
  if (pooling === 'first') return rowsOf(hidden, start);
  if (pooling === 'last') return rowsOf(hidden, lastTokens(batch, paddingId));
  const means = [...start].map((first, r) => tf.mean(tf.slice(hidden, [first, 0], [length[r]!, -1]), 0));
  return tf.stack(means) as Tensor2D;
}

const rowsOf = (hidden: Tensor2D, rows: Int32Array): Tensor2D => tf.gather(hidden, tf.tensor1d(rows, 'int32'));

/**
 * Place of each answer's last token. Transformers takes the last one that is no padding token, also where a tokenizer
 * pads with its end token, so that an answer's own end is not read (modeling_layers.py, GenericForSequenceClassification).
 */
function lastTokens({ ids, responses: { start, length } }: Batch, paddingId: number | null): Int32Array {
  return start.map((first, r) => {
    let last = first + length[r]! - 1;
    while (last > first && ids[last] === paddingId) last--;
    return last;
  });
}

/** `pad_token_id` of a config, or of its text part; null: none. */
export function paddingIdOf(config: Readonly<Record<string, unknown>>): number | null {
  const text = config['text_config'] as Readonly<Record<string, unknown>> | undefined;
  const id = (text ?? config)['pad_token_id'];
  return typeof id === 'number' ? id : null;
}
