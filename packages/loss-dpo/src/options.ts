// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { divergenceNames } from './score-options.js';
import { variants, variantNames } from './variants/index.js';

export const dpoOptions = z
  .strictObject({
    variant: z.enum(variantNames).default('sigmoid').describe('Form of the loss, by its name in TRL.'),
    beta: z.number().positive().default(0.1).describe('β, strength of the tie to the reference (TRL: 0.1); ipo: τ.'),
    labelSmoothing: z
      .number()
      .min(0)
      .lt(0.5)
      .default(0)
      .describe('ε, probability that a preference is the wrong way round; exo_pair needs one (1e-3 in its paper).'),
    divergence: z
      .enum(divergenceNames)
      .default('reverse_kl')
      .describe('f-divergence that ties the policy to the reference.'),
    alphaCoefficient: z.number().nullable().default(null).describe('α of divergence alpha; null: 0.5 (TRL).'),
    ldAlpha: z
      .number()
      .min(0)
      .max(1)
      .nullable()
      .default(null)
      .describe("LD-DPO: weight of tokens beyond the shorter answer's length; null or 1: all count alike."),
    wpo: z.boolean().default(false).describe('WPO: weight pairs by how likely the policy is to write them itself.'),
    discopopTau: z.number().positive().nullable().default(null).describe('τ of discopop; null: 0.05 (its paper).'),
  })
  .superRefine((options, context) => {
    for (const [option, message] of contradictions(options)) {
      context.addIssue({ code: 'custom', path: [option], message });
    }
  });

export type DpoOptions = z.infer<typeof dpoOptions>;

/** Combinations that would leave an option without effect or the loss without meaning. */
function contradictions(options: {
  variant: (typeof variantNames)[number];
  labelSmoothing: number;
  divergence: (typeof divergenceNames)[number];
  alphaCoefficient: number | null;
  wpo: boolean;
  discopopTau: number | null;
}): [string, string][] {
  const { variant, divergence } = options;
  const facts = variants[variant];
  const found: [string, string][] = [];
  if (options.labelSmoothing > 0 && !facts.smoothing) {
    found.push(['labelSmoothing', `must be 0 with variant ${variant}; only ${those('smoothing')} read it`]);
  }
  if (variant === 'exo_pair' && options.labelSmoothing === 0) {
    found.push([
      'labelSmoothing',
      'must be above 0 with variant exo_pair, whose target is log ε; its paper uses 0.001',
    ]);
  }
  if (divergence !== 'reverse_kl' && !facts.divergence) {
    const reason = 'where log Z(x) does not cancel';
    found.push([
      'divergence',
      `must be reverse_kl with variant ${variant}, ${reason}; any suits ${those('divergence')}`,
    ]);
  }
  if (options.alphaCoefficient !== null && divergence !== 'alpha') {
    found.push([
      'alphaCoefficient',
      `must be left out with divergence ${divergence}; it is the α of divergence: alpha`,
    ]);
  }
  if (options.wpo && facts.coupling === 'batch') {
    found.push(['wpo', `must be false with variant ${variant}, whose sorted items belong to no pair`]);
  }
  if (options.discopopTau !== null && variant !== 'discopop') {
    found.push(['discopopTau', `must be left out with variant ${variant}; it is the temperature of discopop`]);
  }
  return found;
}

/** The variants of which a fact holds, for messages. */
const those = (fact: 'smoothing' | 'divergence') => variantNames.filter((name) => variants[name][fact]).join(', ');
