// SPDX-License-Identifier: Apache-2.0
import type { ForwardMode, TrainingHooks } from '../contracts/hooks.js';
import type { Batch } from '../contracts/data.js';
import type { LossNeeds, ResponseLogProbs } from '../contracts/loss.js';
import { tf, type ActiveAdapter, type Model, segmentSum, selectedLogProbs } from '@llmf/nn';

/** The mode in which a pass is a pure function of weights and tokens. */
export const evaluationMode = (adapter: ActiveAdapter | null): ForwardMode => ({
  adapter,
  training: false,
  randomKey: { seed: 0, stream: 'evaluation', step: 0, microbatch: 0 },
  gradientCheckpointing: false,
});

/**
 * The one primitive under every loss: log-probs (and entropy, log Σp²) of the counted tokens of a batch, ragged, with
 * sums and means per response; the [tokens, vocabulary] logits are never stored.
 */
export function batchLogProbs(
  model: Model,
  batch: Batch,
  needs: Pick<LossNeeds, 'stats' | 'span'>,
  mode: ForwardMode,
  hooks: Pick<TrainingHooks, 'inputsEmbedded'>,
): ResponseLogProbs {
  const pass = { model, ...mode };
  const embedded = hooks.inputsEmbedded.call(model.embed(batch.ids), batch, pass); // [T, C]
  const { segments, positions } = batch;
  const hidden = model.forward(embedded, { segments, positions, ...mode }); // [T, C]
  const scored = scoredTokens(batch, needs.span);
  const selected = selectedLogProbs(hidden, model.head.weight, scored.rows, scored.targets, {
    ...(model.head.bias === null ? {} : { bias: model.head.bias }),
    entropy: needs.stats.includes('entropy'),
    squared: needs.stats.includes('logSumSquaredProbabilities'),
  });
  const counted = batch.rows.length; // S
  const promptTokens = scored.rows.length - counted; // P
  const ofResponses = (values: typeof selected.logProb) => (promptTokens === 0 ? values : tf.slice(values, 0, counted));
  const logProb = ofResponses(selected.logProb);
  const sum = segmentSum(logProb, batch.response, batch.responses.tokens.length);
  return {
    logProb,
    sum,
    mean: tf.div(sum, tf.tensor1d(Float32Array.from(batch.responses.tokens))),
    ...(selected.entropy === undefined ? {} : { entropy: ofResponses(selected.entropy) }),
    ...(selected.logSumSquaredProbabilities === undefined
      ? {}
      : { logSumSquaredProbabilities: ofResponses(selected.logSumSquaredProbabilities) }),
    ...(needs.span === 'all'
      ? { prompt: { logProb: tf.slice(selected.logProb, counted, promptTokens), group: batch.prompt.group } }
      : {}),
  };
}

/** The counted tokens of the answers, followed by the prompts' where the span is `all`. */
function scoredTokens(batch: Batch, span: LossNeeds['span']): { rows: Int32Array; targets: Int32Array } {
  if (span === 'response') return { rows: batch.rows, targets: batch.targets };
  return {
    rows: Int32Array.from([...batch.rows, ...batch.prompt.rows]),
    targets: Int32Array.from([...batch.targets, ...batch.prompt.targets]),
  };
}
