// SPDX-License-Identifier: Apache-2.0
import type { LossInputs, LossNeeds, ResponseLogProbs, ResponseRole } from '@llmf/training';
import { segmentSum, tf, type Head, type Tensor1D, type Tensor2D } from '@llmf/nn';

/** One answer as plain numbers, in nats per token. */
export interface AnswerData {
  readonly role: ResponseRole;
  readonly policy: readonly number[];
  readonly reference: readonly number[];
  /** log Σ_v p_v² per token; log-probs doubled where left out (all probability on the token). */
  readonly logSumSquaredProbabilities?: readonly number[];
  /** Per token; 0 where left out. */
  readonly entropy?: readonly number[];
}

/** One row of the stage as plain numbers. */
export interface GroupData {
  /** Log-probs of the prompt's scored tokens under policy and reference. */
  readonly prompt: readonly number[];
  readonly referencePrompt?: readonly number[];
  readonly answers: readonly AnswerData[];
  readonly weight?: number;
  readonly extras?: Readonly<Record<string, number>>;
}

/** A microbatch of rows in the ragged layout of the loss contract, still plain numbers. */
export interface RaggedBatch {
  readonly groups: readonly GroupData[];
  readonly layout: Omit<LossInputs, 'policy' | 'reference'>;
  /** Policy's log-probs, the values a gradient is taken of: [S] and [P]. */
  readonly logProb: Float32Array;
  readonly promptLogProb: Float32Array;
  readonly promptGroup: Int32Array; // [P]
}

export function raggedBatch(groups: readonly GroupData[]): RaggedBatch {
  const answers = groups.flatMap((group, g) => group.answers.map((answer) => ({ ...answer, g })));
  const names = Object.keys(groups[0]?.extras ?? {});
  const ofTokens = <T>(value: (answer: AnswerData, response: number) => readonly T[]) => answers.flatMap(value);
  return {
    groups,
    layout: {
      response: Int32Array.from(ofTokens(({ policy }, response) => policy.map(() => response))),
      tokens: Int32Array.from(answers, ({ policy }) => policy.length),
      group: Int32Array.from(answers, ({ g }) => g),
      role: answers.map(({ role }) => role),
      weight: Float32Array.from(answers, ({ g }) => groups[g]!.weight ?? 1),
      groups: groups.length,
      extras: Object.fromEntries(
        names.map((name) => [name, Float32Array.from(groups, ({ extras }) => extras![name]!)]),
      ),
    },
    logProb: Float32Array.from(ofTokens(({ policy }) => policy)),
    promptLogProb: Float32Array.from(groups.flatMap(({ prompt }) => prompt)),
    promptGroup: Int32Array.from(groups.flatMap(({ prompt }, g) => prompt.map(() => g))),
  };
}

/** What a loss may rely on, or everything that the needs of other terms could add. */
export type Provided = Pick<LossNeeds, 'reference' | 'stats' | 'span' | 'heads'>;
export const everything: Provided = {
  reference: 'required',
  stats: ['logProb', 'entropy', 'logSumSquaredProbabilities'],
  span: 'all',
};

/** The inputs of a loss over given policy log-probs ([S] and [P] tensors), with no more than what is provided. */
export function lossInputsOf(
  { groups, layout, promptGroup }: RaggedBatch,
  logProb: Tensor1D,
  promptLogProb: Tensor1D,
  provided: Provided,
): LossInputs {
  const answers = groups.flatMap((group) => group.answers);
  const constant = (value: (answer: AnswerData) => readonly number[]) =>
    tf.tensor1d(Float32Array.from(answers.flatMap((answer) => [...value(answer)])));
  const withSums = (values: Tensor1D, prompt: Tensor1D): ResponseLogProbs => {
    const sum = segmentSum(values, layout.response, layout.tokens.length);
    return {
      logProb: values,
      sum,
      mean: tf.div(sum, tf.tensor1d(Float32Array.from(layout.tokens))),
      ...(provided.span === 'all' && { prompt: { logProb: prompt, group: promptGroup } }),
    };
  };
  const doubled = ({ policy }: AnswerData) => policy.map((value) => 2 * value);
  const referencePrompt = groups.flatMap(({ prompt, referencePrompt: values }) => [...(values ?? prompt)]);
  return {
    ...layout,
    policy: {
      ...withSums(logProb, promptLogProb),
      ...(provided.stats.includes('entropy') && {
        entropy: constant(({ policy, entropy }) => entropy ?? policy.map(() => 0)),
      }),
      ...(provided.heads !== undefined && { heads: headsOf(provided.heads, logProb, layout) }),
      ...(provided.stats.includes('logSumSquaredProbabilities') && {
        logSumSquaredProbabilities: constant((answer) => answer.logSumSquaredProbabilities ?? doubled(answer)),
      }),
    },
    ...(provided.reference === 'required' && {
      reference: withSums(
        constant(({ reference }) => reference),
        tf.tensor1d(Float32Array.from(referencePrompt)),
      ),
    }),
  };
}

/**
 * Outputs of heads that stand in for what hidden states would give: output c is c + 1 times the token's log-prob, or the
 * answer's sum, so that every claim about the policy's log-probs holds for them too.
 */
function headsOf(
  heads: readonly Head[],
  logProb: Tensor1D,
  { response, tokens }: RaggedBatch['layout'],
): Readonly<Record<string, Tensor2D>> {
  return Object.fromEntries(
    heads.map(({ name, at, outputs }) => {
      const values = at === 'token' ? logProb : segmentSum(logProb, response, tokens.length);
      const factors = tf.tensor1d(Array.from({ length: outputs }, (_, output) => output + 1));
      return [name, tf.mul<Tensor2D>(tf.reshape(values, [-1, 1]), tf.reshape(factors, [1, outputs]))];
    }),
  );
}
