// SPDX-License-Identifier: Apache-2.0
import type { LossInputs } from '../contracts/loss.js';
import type { ResponseRole } from '../contracts/data.js';
import type { Tensor1D } from '@llmf/nn';
import { tf } from '@llmf/nn';
import { lossErrors } from './loss-errors.js';
import { pick } from './pick.js';

/** Answers that a likelihood term raises: all but the rejected and the undesirable ones. */
export const imitatedRoles: readonly ResponseRole[] = Object.freeze(['response', 'chosen', 'desirable']);

/**
 * Log-probs of the tokens of the answers to imitate, then of the prompts where `span` is `all`: the order and number of
 * items that the engine expects of unit `token` with `roles: imitatedRoles`.
 *
 * @returns [N], or [N + P] with span `all`
 * @throws LLMF_TRAINING_LOSS_NEED when prompts are wanted and the loss did not declare that it needs them
 */
export function imitatedLogProbs({ policy, response, role }: LossInputs, span: 'response' | 'all'): Tensor1D {
  const isImitated = role.map((each) => imitatedRoles.includes(each));
  const ofAnswers = isImitated.every(Boolean)
    ? policy.logProb
    : pick(policy.logProb, Int32Array.from([...response.keys()].filter((s) => isImitated[response[s]!]))); // [N]
  if (span === 'response') return ofAnswers;
  if (policy.prompt === undefined) throw lossErrors.lossNeed({ wanted: "the prompts' log-probs", need: "span: 'all'" });
  return tf.concat([ofAnswers, policy.prompt.logProb]); // [N + P]
}
