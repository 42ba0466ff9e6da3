// SPDX-License-Identifier: Apache-2.0
import type { RopeOptions } from '../ops/rope/rope-tables.js';
import { z } from 'zod';
import { architectureErrors } from './architecture-errors.js';
import { ropeScaling, scalingKeys } from './rope-scaling.js';

const ropeParameters = z.looseObject({
  rope_type: z.string().optional(),
  /** Older spelling of rope_type. */
  type: z.string().optional(),
  rope_theta: z.number().positive().optional(),
  ...scalingKeys,
  mrope_section: z.tuple([z.int().min(0), z.int().min(0), z.int().min(0)]).optional(),
  mrope_interleaved: z.boolean().optional(),
  partial_rotary_factor: z.number().positive().max(1).optional(),
});

/** The keys of config.json about rotary positions: Transformers 5 writes `rope_parameters`, earlier ones the others. */
export const ropeKeys = {
  rope_parameters: ropeParameters.nullish(),
  rope_theta: z.number().positive().nullish(),
  rope_scaling: ropeParameters.nullish(),
  /** Of before the context was extended; it goes before the one within the parameters. */
  original_max_position_embeddings: z.number().positive().nullish(),
};

interface RopeConfig {
  readonly rope_parameters?: RopeParameters | null | undefined;
  readonly rope_theta?: number | null | undefined;
  readonly rope_scaling?: RopeParameters | null | undefined;
  readonly original_max_position_embeddings?: number | null | undefined;
  readonly max_position_embeddings: number;
  readonly partial_rotary_factor?: number | null | undefined;
}
type RopeParameters = z.infer<typeof ropeParameters>;

/**
 * What config.json says about rotary positions, in nn's words. Precedence as in Transformers 5.18 (rope_scaling before
 * rope_parameters, then the keys beside them), default base 10000.
 * @param share of the head that is rotated where the config names none; left out: in this family always all of it
 * @throws LLMF_NN_UNSUPPORTED for a rope type that is not computed here, LLMF_NN_CONFIG_VALUE.
 */
export function ropeOptions(modelType: string, config: RopeConfig, headDim: number, share?: number): RopeOptions {
  const section = isFilled(config.rope_scaling) ? 'rope_scaling' : 'rope_parameters';
  const parameters = config[section] ?? {};
  const wrong = (name: string, got: unknown, expected: string) =>
    architectureErrors.configValue({
      modelType,
      key: `${section}.${name}`,
      got: JSON.stringify(got) ?? 'nothing',
      expected,
    });
  const refuse = (name: string, got: unknown, expected: string) =>
    architectureErrors.unsupported({ modelType, key: `${section}.${name}`, got: JSON.stringify(got), expected });
  const nested = Object.entries(parameters).find(([, value]) => isObject(value));
  if (nested !== undefined) throw refuse(nested[0], nested[1], 'the same rotary positions in every layer');
  const rotated = parameters.partial_rotary_factor ?? config.partial_rotary_factor ?? share ?? 1;
  if (share === undefined && rotated !== 1)
    throw refuse('partial_rotary_factor', rotated, '1: rotary positions over the whole head');
  const rotary = Math.trunc(headDim * rotated);
  if (rotary % 2 !== 0 || rotary === 0) {
    const facts = { got: `${headDim}, of which ${rotary} are rotated`, expected: 'an even number' };
    throw architectureErrors.configValue({ modelType, key: 'head_dim', ...facts });
  }
  const sections = parameters.mrope_section ?? null;
  if (sections !== null && sections[0] + sections[1] + sections[2] !== rotary / 2) {
    throw wrong('mrope_section', sections, `three counts that add up to ${rotary / 2}, half of what is rotated`);
  }
  const type = parameters.rope_type ?? parameters.type ?? 'default';
  const context = config.max_position_embeddings;
  const originalContext =
    config.original_max_position_embeddings ?? parameters.original_max_position_embeddings ?? context;
  const facts = { context, originalContext, frequencies: rotary / 2 };
  const scaling =
    type === 'default' || type === 'mrope' ? null : ropeScaling(type, parameters, facts, { wrong, refuse });
  const theta = parameters.rope_theta ?? config.rope_theta ?? 10000;
  return {
    rotary,
    theta,
    scaling,
    sections,
    ...(parameters.mrope_interleaved === true && { sectionsTakeTurns: true }),
  };
}

/** An empty section says nothing, as in Python. */
const isFilled = (section: RopeParameters | null | undefined): boolean =>
  section !== null && section !== undefined && Object.keys(section).length > 0;

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
