// SPDX-License-Identifier: Apache-2.0
import type { ForwardMode, TrainingHooks } from '../contracts/hooks.js';
import type { Batch } from '../contracts/data.js';
import type { LossNeeds, Pooling, ResponseLogProbs } from '../contracts/loss.js';
import {
  embedded,
  headInputs,
  headOf,
  segmentSum,
  selectedLogProbs,
  tf,
  type ActiveAdapter,
  type AttachedHead,
  type Model,
  type Tensor1D,
  type Tensor2D,
} from '@llmf/nn';
import { trainingErrors } from '../training-errors.js';
import { headOutputs, paddingIdOf, pooledStates } from './head-outputs.js';

type SelectedLogProbs = ReturnType<typeof selectedLogProbs>;

/** The mode in which a pass is a pure function of weights and tokens. */
export const evaluationMode = (adapter: ActiveAdapter | null): ForwardMode => ({
  adapter,
  training: false,
  randomKey: { seed: 0, stream: 'evaluation', step: 0, microbatch: 0 },
  gradientCheckpointing: false,
});

export interface LogProbsRequest {
  readonly stats: LossNeeds['stats'];
  readonly span: LossNeeds['span'];
  readonly heads?: ReadonlyMap<string, AttachedHead>;
  readonly pooling?: Pooling | undefined;
}

/**
 * The one primitive under every loss: log-probs (and entropy, log Σp²) of the counted tokens of a batch, ragged, with
 * sums and means per response; the [tokens, vocabulary] logits are never stored. What nobody reads is not computed: a
 * loss of heads alone costs no logits.
 */
export function batchLogProbs(
  model: Model,
  batch: Batch,
  request: LogProbsRequest,
  mode: ForwardMode,
  hooks: Pick<TrainingHooks, 'inputsEmbedded'>,
): ResponseLogProbs {
  const { segments, positions } = batch;
  const rows = embedded(model, batch.ids, { segments, adapter: mode.adapter });
  const input = hooks.inputsEmbedded.call(rows, batch, { model, ...mode }); // [T, C]
  const hidden = model.forward(input, { segments, positions, ...mode }); // [T, C]
  return new BatchLogProbs(model, batch, request, hidden, mode);
}

class BatchLogProbs implements ResponseLogProbs {
  private selected: SelectedLogProbs | null = null;
  private sums: Tensor1D | null = null;
  private vectors: Tensor2D | null = null;
  private outputs: Readonly<Record<string, Tensor2D>> | null = null;

  constructor(
    private readonly model: Model,
    private readonly batch: Batch,
    private readonly request: LogProbsRequest,
    private readonly hidden: Tensor2D,
    private readonly mode: ForwardMode,
  ) {}

  get logProb(): Tensor1D {
    return this.ofResponses(this.select().logProb);
  }

  get sum(): Tensor1D {
    return (this.sums ??= segmentSum(this.logProb, this.batch.response, this.batch.responses.tokens.length));
  }

  get mean(): Tensor1D {
    return tf.div(this.sum, tf.tensor1d(Float32Array.from(this.batch.responses.tokens)));
  }

  get entropy(): Tensor1D | undefined {
    const { entropy } = this.select();
    return entropy && this.ofResponses(entropy);
  }

  get logSumSquaredProbabilities(): Tensor1D | undefined {
    const { logSumSquaredProbabilities } = this.select();
    return logSumSquaredProbabilities && this.ofResponses(logSumSquaredProbabilities);
  }

  get prompt(): ResponseLogProbs['prompt'] {
    if (this.request.span !== 'all') return undefined;
    const { rows, prompt } = this.batch;
    return { logProb: tf.slice(this.select().logProb, rows.length, prompt.rows.length), group: prompt.group };
  }

  get heads(): Readonly<Record<string, Tensor2D>> {
    const paddingId = paddingIdOf(this.model.config);
    return (this.outputs ??= Object.fromEntries(
      [...(this.request.heads ?? [])].map(([name, head]) => [
        name,
        headOutputs(head, this.hidden, this.batch, paddingId),
      ]),
    ));
  }

  get pooled(): Tensor2D | undefined {
    const { pooling } = this.request;
    if (pooling === undefined) return undefined;
    return (this.vectors ??= pooledStates(this.hidden, this.batch, pooling, paddingIdOf(this.model.config)));
  }

  private select(): SelectedLogProbs {
    if (this.selected !== null) return this.selected;
    const { stats, span } = this.request;
    const { rows, targets } = scoredTokens(this.batch, span);
    checkHidden(this.model, this.batch.ids, rows, targets);
    const { segments, positions } = this.batch;
    const head = headOf(this.model, this.mode.adapter);
    const { hidden, weight, ...form } = headInputs(head, this.hidden, { segments, positions, ...this.mode });
    this.selected = selectedLogProbs(hidden, weight, rows, targets, {
      ...form,
      entropy: stats.includes('entropy'),
      squared: stats.includes('logSumSquaredProbabilities'),
    });
    return this.selected;
  }

  private ofResponses(values: Tensor1D): Tensor1D {
    const counted = this.batch.rows.length;
    return values.size === counted ? values : tf.slice(values, 0, counted);
  }
}

/**
 * An encoder sees the token after each: where every target is that one, there is nothing to learn.
 * @throws LLMF_TRAINING_NEXT_TOKEN_SEEN
 */
function checkHidden({ isEncoder, modelType }: Model, ids: Int32Array, rows: Int32Array, targets: Int32Array): void {
  if (isEncoder !== true || rows.length < 2) return; // one equal pair may be chance
  if (rows.every((row, at) => ids[row + 1] === targets[at])) throw trainingErrors.nextTokenSeen({ modelType });
}

/** The counted tokens of the answers, followed by the prompts' where the span is `all`. */
function scoredTokens(batch: Batch, span: LossNeeds['span']): { rows: Int32Array; targets: Int32Array } {
  if (span === 'response') return { rows: batch.rows, targets: batch.targets };
  return {
    rows: Int32Array.from([...batch.rows, ...batch.prompt.rows]),
    targets: Int32Array.from([...batch.targets, ...batch.prompt.targets]),
  };
}
