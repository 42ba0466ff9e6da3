// SPDX-License-Identifier: Apache-2.0
import type { RunConfig } from '@llmf/core';
import type { Variable } from '@llmf/nn';
import type { Gradient } from '../contracts/hooks.js';
import { trainingErrors } from '../training-errors.js';

/** How the gradient of a parameter is applied. */
export type ParameterSettings = Pick<Gradient, 'rate' | 'weightDecay'>;

/**
 * Rate and decay of every trained parameter: `train.weightDecay` for matrices and none for norms and biases, then what the
 * groups of the config say, the last one that matches.
 * @throws LLMF_TRAINING_GROUP_EMPTY, …_GROUP_PATTERN
 */
export function parameterSettings(
  variables: ReadonlyMap<string, Variable>,
  { groups, weightDecay }: Pick<RunConfig['train'], 'groups' | 'weightDecay'>,
): Map<string, ParameterSettings> {
  const names = [...variables.keys()];
  const settings = new Map(
    [...variables].map(([name, { rank }]) => [name, { rate: 1, weightDecay: rank >= 2 ? weightDecay : 0 }]),
  );
  for (const [at, { match, ...own }] of groups.entries()) {
    const matched = names.filter(matcher(match, at));
    if (matched.length === 0) throw trainingErrors.groupEmpty({ at, match, names });
    for (const name of matched) settings.set(name, { ...settings.get(name)!, ...own });
  }
  return settings;
}

function matcher(match: string, at: number): (name: string) => boolean {
  const source = /^\/(.+)\/$/.exec(match)?.[1];
  if (source === undefined) return (name) => name.includes(match);
  try {
    const pattern = new RegExp(source);
    return (name) => pattern.test(name);
  } catch (error) {
    throw trainingErrors.groupPattern({ at, match, reason: (error as Error).message }, { cause: error });
  }
}
