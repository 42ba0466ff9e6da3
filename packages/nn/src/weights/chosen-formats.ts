// SPDX-License-Identifier: Apache-2.0
import { findNamed, type Choice, type Container } from '@llmf/core';
import { z } from 'zod';
import { matcherOf } from './path-matcher.js';
import type { LoadOptions, WeightInfo } from '../contracts/model.js';
import { WeightFormatToken, type ChosenFormat } from '../contracts/weight-format.js';
import { errors } from '../errors.js';

/** What every choice of `quantization` takes besides the format's own options. */
export const formatScope = z.strictObject({
  layers: z
    .union([z.string(), z.array(z.string()).nonempty()])
    .default('all')
    .describe('Linear layers kept in it: all, names such as q_proj, or a /regular expression/ over whole paths.'),
  head: z.boolean().default(false).describe('The language-model head too; left out, it stays as its file has it.'),
  embedding: z
    .boolean()
    .default(false)
    .describe('The embedding table too, and a head tied to it; left out, it stays as its file has it.'),
});
type FormatScope = z.infer<typeof formatScope>;

type Weights = ReadonlyMap<string, WeightInfo>;

/**
 * The formats that a config's `quantization` chose; undefined: every weight as its file has it.
 * @throws LLMF_NN_FORMAT_REFUSED, LLMF_NN_FORMAT_LAYERS when a model is loaded that it does not fit
 */
export function chosenFormats(container: Container, choice: Choice | undefined): LoadOptions['formats'] {
  if (choice === undefined || choice.name === 'none') return undefined;
  const format = findNamed(container, WeightFormatToken, choice.name, 'quantization');
  const { layers, head, embedding, ...options } = choice.options as FormatScope;
  const chosen: ChosenFormat = { format, options };
  return (weights) => {
    const names = namesIn({ layers, head, embedding }, weights);
    for (const name of names) {
      const { shape } = weights.get(name)!;
      const reason = format.refuses?.(shape, options) ?? null;
      if (reason !== null) throw errors.formatRefused({ format: format.name, weight: name, shape, reason });
    }
    return new Map(names.map((name) => [name, chosen]));
  };
}

function namesIn({ layers, head, embedding }: FormatScope, weights: Weights): string[] {
  const all = [...weights].filter(([, info]) => isMatrix(info));
  const linear = all.filter(([, { kind }]) => kind === 'linear');
  const isWhole = { head, embedding };
  const whole = all.filter(([, { kind }]) => (kind === 'head' || kind === 'embedding') && isWhole[kind]);
  return [...whole.map(([name]) => name), ...selected(layers, linear)];
}

/** The layers that are meant. @throws LLMF_NN_FORMAT_LAYERS naming the known ones */
function selected(layers: FormatScope['layers'], linear: readonly (readonly [string, WeightInfo])[]): string[] {
  if (layers === 'all') return linear.filter(([, { isBeside }]) => isBeside !== true).map(([name]) => name);
  const names = linear.map(([name]) => name);
  const matchers = [layers].flat().map((target) => ({ target, matches: matcherOf(target, 'quantization.layers') }));
  const unmatched = matchers.find(({ matches }) => !names.some((name) => matches(pathOf(name))));
  if (unmatched !== undefined) {
    const known = [...new Set(names.map((name) => pathOf(name).split('.').at(-1)!))];
    throw errors.formatLayers({ layer: unmatched.target, known });
  }
  return names.filter((name) => matchers.some(({ matches }) => matches(pathOf(name))));
}

const pathOf = (parameter: string): string => parameter.replace(/\.weight$/, '');

/** Matrices may be kept in a format of frozen weights; norms and biases stay f32. */
export const isMatrix = ({ kind }: WeightInfo): boolean => kind === 'linear' || kind === 'embedding' || kind === 'head';
