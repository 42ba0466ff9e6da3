// SPDX-License-Identifier: Apache-2.0
/**
 * Plain text turned into something to fill in or go on with, for decoders and encoder–decoders:
 * - `span`: Raffel et al., "Exploring the limits of transfer learning" (T5), 2020, arXiv:1910.10683, section 3.1.4: spans
 *   become sentinels, the answer names what stood there
 * - `prefix`: the same paper, section 3.2.1: the text is cut at a random place, and its rest is learned
 * - `fim`: Bavarian et al., "Efficient training of language models to fill in the middle", 2022, arXiv:2207.14255: two cuts,
 *   the middle moved to the end
 * A row stays as long as it was: what sentinels take is left out at its end. Rows too short for it are learned whole.
 */
import type { Stage } from '@llmf/core';
import { createLossSession, DataServiceToken, type LossStage, type RowText } from '@llmf/training';
import { z } from 'zod';
import { errors } from '../errors.js';
import { middleLast } from './fill-in-the-middle.js';
import { prefixAndRest } from './prefix.js';
import { rewriting, type Rewrite } from './rewrite.js';
import { spansToSentinels } from './span-corruption.js';

export const contextualOptions = z.strictObject({
  objective: z.enum(['span', 'prefix', 'fim']).default('span').describe('What becomes of a text.'),
  density: z.number().positive().lt(1).default(0.15).describe('span: share of the tokens in spans (T5: 0.15).'),
  spanLength: z.number().min(1).default(3).describe('span: tokens of a span on average (T5: 3).'),
  sentinels: z
    .array(z.string().min(1))
    .min(1)
    .nullable()
    .default(null)
    .describe('span: tokens that stand for spans, in order; null: <extra_id_0>, <extra_id_1>, …'),
  rate: z
    .number()
    .positive()
    .max(1)
    .default(0.5)
    .describe('fim: share of the texts that are rewritten; the others stay.'),
  suffixFirst: z.number().min(0).max(1).default(0.5).describe('fim: share of those whose suffix comes first (SPM).'),
  marks: z
    .tuple([z.string(), z.string(), z.string()])
    .nullable()
    .default(null)
    .describe('fim: tokens before prefix, suffix and middle; null: those of StarCoder or Qwen.'),
});
export type ContextualOptions = z.infer<typeof contextualOptions>;

export const contextual: Stage & LossStage = {
  name: 'contextual',
  description: 'plain text: fill in spans, go on with a prefix, or fill in the middle',
  rows: 'text',
  options: contextualOptions,
  defaults: { loss: 'sft' },
  learningRates: { adapter: 2e-4, full: 5e-5 },
  async parts(run, options) {
    const text = await run.container.resolve(DataServiceToken).text(run);
    if (text === null) throw errors.noTokenizer({});
    return {
      changes: {
        row: rewriting(run.config.train.seed, text.specialIds, rewriteOf(options as ContextualOptions, text)),
      },
    };
  },
  prepare: (run, options) => createLossSession(run, contextual, options),
};

function rewriteOf(options: ContextualOptions, text: RowText): Rewrite {
  const { objective, density, spanLength, rate, suffixFirst } = options;
  if (objective === 'prefix') return prefixAndRest;
  if (objective === 'span') {
    return spansToSentinels({ density, spanLength, sentinels: sentinelsOf(options.sentinels, text) });
  }
  return middleLast({ rate, suffixFirst, marks: marksOf(options.marks, text) });
}

const mostSentinels = 100; // T5's

/** @throws LLMF_STAGES_NO_TOKEN */
function sentinelsOf(given: readonly string[] | null, text: RowText): number[] {
  if (given !== null) return given.map((name) => idOf(name, text, 'stage.sentinels'));
  const names = Array.from({ length: mostSentinels }, (_, at) => `<extra_id_${at}>`);
  const ids = names.map((name) => text.idOf(name));
  const count = ids.indexOf(null);
  if (count === 0) throw errors.noToken({ token: names[0]!, option: 'stage.sentinels' });
  return ids.slice(0, count === -1 ? ids.length : count) as number[];
}

const usualMarks = [
  ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>'],
  ['<fim_prefix>', '<fim_suffix>', '<fim_middle>'],
  ['<PRE>', '<SUF>', '<MID>'],
] as const;

/** @throws LLMF_STAGES_NO_TOKEN */
function marksOf(given: readonly string[] | null, text: RowText): readonly [number, number, number] {
  const names = given ?? usualMarks.find((marks) => marks.every((mark) => text.idOf(mark) !== null)) ?? usualMarks[0];
  const [prefix, suffix, middle] = names.map((name) => idOf(name, text, 'stage.marks'));
  return [prefix!, suffix!, middle!];
}

function idOf(name: string, text: RowText, option: string): number {
  const id = text.idOf(name);
  if (id === null) throw errors.noToken({ token: name, option });
  return id;
}
