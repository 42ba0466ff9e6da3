// SPDX-License-Identifier: Apache-2.0
import { noRepeatedRun, type GenerationDefaults } from '@llmf/models';
import type { GenerateOptions } from '@llmf/nn';
import { cliErrors } from './cli-errors.js';

/** How the next token is chosen, as far as the command line says it; the rest is the model's own choice. */
export interface SamplingChoice {
  readonly greedy?: boolean;
  readonly sample?: boolean;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  /** No run of so many tokens twice. */
  readonly forbidRepeats?: number;
  readonly maxNewTokens?: number;
}

export type SamplingSettings = Required<
  Pick<GenerateOptions, 'temperature' | 'topP' | 'topK' | 'minP' | 'repetitionPenalty' | 'bans'>
>;

/** Tokens of an answer where neither the command line nor the model says how many. */
const longestAnswer = 256;

/** @throws LLMF_CLI_USAGE where one flag makes another one mean nothing */
export function checkSamplingFlags(flags: SamplingChoice, command: string): void {
  if (flags.greedy !== true) return;
  const names = { sample: '--sample', temperature: '--temperature', topP: '--top-p', topK: '--top-k', minP: '--min-p' };
  const [, unread] = Object.entries(names).find(([key]) => flags[key as keyof typeof names] !== undefined) ?? [];
  if (unread !== undefined) throw cliErrors.usage({ problem: `--greedy leaves ${unread} without effect`, command });
}

/**
 * A flag goes before generation_config.json, which goes before the neutral value. A flag that only sampling reads asks
 * for sampling, also where the file says `"do_sample": false`.
 */
export function samplingSettings(flags: SamplingChoice, model: GenerationDefaults): SamplingSettings {
  const { temperature, topP, topK, minP, greedy = false, sample = false } = flags;
  const asksForSampling = sample || [temperature, topP, topK, minP].some((flag) => flag !== undefined);
  const isGreedy = greedy || (!asksForSampling && model.doSample === false);
  const ngram = flags.forbidRepeats ?? model.noRepeatNgram ?? 0;
  return {
    temperature: isGreedy ? 0 : (temperature ?? model.temperature ?? 1),
    topP: topP ?? model.topP ?? 1,
    topK: topK ?? model.topK ?? 0,
    minP: minP ?? model.minP ?? 0,
    repetitionPenalty: flags.repetitionPenalty ?? model.repetitionPenalty ?? 1,
    bans: [...model.bans, ...(ngram > 0 ? [noRepeatedRun(ngram)] : [])],
  };
}

/** Tokens that an answer to a prompt may have. */
export function answerTokens(
  { maxNewTokens }: SamplingChoice,
  model: GenerationDefaults,
  promptTokens: number,
): number {
  const stated = maxNewTokens ?? model.maxNewTokens;
  if (stated !== null) return stated;
  return model.maxLength === null ? longestAnswer : Math.max(1, model.maxLength - promptTokens);
}

/** What the model's file changes, for a line beside the answer: `temperature 0.7, top_k 20`. */
export function ownSettings(flags: SamplingChoice, model: GenerationDefaults): string[] {
  const { temperature, topP, topK, minP, repetitionPenalty } = samplingSettings(flags, model);
  const isSampled = temperature > 0;
  const shown: readonly (readonly [name: string, value: number, neutral: number, isFlag: boolean])[] = [
    ...(isSampled
      ? ([
          ['temperature', temperature, 1, flags.temperature !== undefined],
          ['top_k', topK, 0, flags.topK !== undefined],
          ['top_p', topP, 1, flags.topP !== undefined],
          ['min_p', minP, 0, flags.minP !== undefined],
        ] as const)
      : []),
    ['repetition_penalty', repetitionPenalty, 1, flags.repetitionPenalty !== undefined],
    ['no_repeat_ngram_size', model.noRepeatNgram ?? 0, 0, flags.forbidRepeats !== undefined],
    ['max_new_tokens', model.maxNewTokens ?? 0, 0, flags.maxNewTokens !== undefined],
  ];
  const greedy = !isSampled && flags.greedy !== true ? ['greedy (do_sample false)'] : [];
  return [
    ...greedy,
    ...shown.filter(([, value, none, isFlag]) => value !== none && !isFlag).map(([name, value]) => `${name} ${value}`),
  ];
}
