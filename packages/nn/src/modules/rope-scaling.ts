// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import type { LlmfError } from '@llmf/core';
import type { RopeScaling } from '../ops/rope/rope-scaling.js';

const positive = z.number().positive().nullish();
const factors = z.array(z.number().positive()).nullish();

/** The keys of `rope_parameters` or `rope_scaling` that stretch positions. */
export const scalingKeys = {
  factor: positive,
  original_max_position_embeddings: positive,
  /** Of llama3. */
  low_freq_factor: positive,
  high_freq_factor: positive,
  /** Of yarn and longrope: what cos and sin are multiplied by. */
  attention_factor: positive,
  /** Of yarn. */
  beta_fast: positive,
  beta_slow: positive,
  mscale: z.number().nullish(),
  mscale_all_dim: z.number().nullish(),
  truncate: z.boolean().nullish(),
  /** Of longrope: one for each frequency. */
  short_factor: factors,
  long_factor: factors,
};
const scalingParameters = z.object(scalingKeys);
type ScalingParameters = z.infer<typeof scalingParameters>;

interface ScalingFacts {
  /** max_position_embeddings */
  readonly context: number;
  /** That of before the context was extended. */
  readonly originalContext: number;
  /** R/2 */
  readonly frequencies: number;
}

type Mistake = (name: string, got: unknown, expected: string) => LlmfError;

/** How a rope type stretches positions. @throws what the mistakes make */
export function ropeScaling(
  type: string,
  parameters: ScalingParameters,
  facts: ScalingFacts,
  { wrong, refuse }: { readonly wrong: Mistake; readonly refuse: Mistake },
): RopeScaling {
  const needed = <Key extends keyof ScalingParameters>(name: Key): NonNullable<ScalingParameters[Key]> => {
    const value = parameters[name];
    if (value === undefined || value === null) throw wrong(name, undefined, `what rope type ${type} needs`);
    return value;
  };
  const { originalContext } = facts;
  switch (type) {
    case 'linear':
      return { type, factor: needed('factor') };
    case 'dynamic':
      return { type, factor: needed('factor'), originalContext: facts.context };
    case 'llama3': {
      const [lowFrequencyFactor, highFrequencyFactor] = [needed('low_freq_factor'), needed('high_freq_factor')];
      return { type, factor: needed('factor'), lowFrequencyFactor, highFrequencyFactor, originalContext };
    }
    case 'yarn':
      return yarn(parameters, facts);
    case 'longrope': {
      for (const name of ['short_factor', 'long_factor'] as const) {
        const { length } = needed(name);
        if (length !== facts.frequencies) throw wrong(name, length, `${facts.frequencies} numbers, one per frequency`);
      }
      const [shortFactors, longFactors] = [needed('short_factor'), needed('long_factor')];
      return { type, shortFactors, longFactors, originalContext, magnitude: longRopeMagnitude(parameters, facts) };
    }
    default:
      throw refuse('rope_type', type, 'default, linear, dynamic, llama3, yarn, longrope or mrope');
  }
}

function yarn(parameters: ScalingParameters, { context, originalContext }: ScalingFacts): RopeScaling {
  const factor = parameters.factor ?? context / originalContext;
  const { attention_factor, beta_fast, beta_slow, mscale, mscale_all_dim, truncate } = parameters;
  const bothScales =
    mscale && mscale_all_dim ? yarnMagnitude(factor, mscale) / yarnMagnitude(factor, mscale_all_dim) : null;
  return {
    type: 'yarn',
    factor,
    originalContext,
    betaFast: beta_fast ?? 32,
    betaSlow: beta_slow ?? 1,
    isTruncated: truncate ?? true,
    magnitude: attention_factor ?? bothScales ?? yarnMagnitude(factor, 1),
  };
}

/** YaRN, equation 22, with DeepSeek's factor on the logarithm. */
const yarnMagnitude = (factor: number, scale: number): number => (factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1);

/** As Phi-3 computes it, from the ratio of the contexts where no factor is given. */
function longRopeMagnitude(parameters: ScalingParameters, { context, originalContext }: ScalingFacts): number {
  const factor = parameters.factor ?? context / originalContext;
  const derived = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalContext));
  return parameters.attention_factor ?? derived;
}
