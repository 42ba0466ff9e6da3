// SPDX-License-Identifier: Apache-2.0
import type { DataRequest } from '@llmf/training';
import { errors } from './errors.js';
import type { DataOptions } from './options.js';

/** Options that contradict each other or the stage. */
export function checkOptions(options: DataOptions, { rows }: DataRequest): void {
  const unfit = (option: string, value: unknown, because: string, fix: string) =>
    errors.optionUnfit({ option, value: String(value), because, fix });
  if (options.trainOnPrompt && rows !== 'single') {
    throw unfit('trainOnPrompt', true, `it is for supervised rows; this stage learns ${rows} rows`, 'Remove it.');
  }
  if (options.maskHistory && rows !== 'single') {
    throw unfit('maskHistory', true, `it is for supervised chats; this stage learns ${rows} rows`, 'Remove it.');
  }
  if (options.trainOnPrompt && options.maskHistory) {
    throw unfit('maskHistory', true, 'trainOnPrompt learns every token, the history too', 'Remove one of the two.');
  }
  if (options.systemPrompt !== null && options.template === 'none') {
    throw unfit(
      'systemPrompt',
      JSON.stringify(options.systemPrompt),
      'without a template it has no place',
      'Choose a template.',
    );
  }
  const weighted = options.train.find(({ weight }) => weight !== undefined);
  if (weighted !== undefined && options.mixture === 'concat') {
    throw unfit(
      'train[].weight',
      weighted.weight,
      'mixture concat takes every row once',
      'Set data.mixture to interleaveUnder or interleaveOver.',
    );
  }
  const evaluated = Array.isArray(options.eval) ? options.eval.find(({ weight }) => weight !== undefined) : undefined;
  if (evaluated !== undefined)
    throw unfit('eval[].weight', evaluated.weight, 'evaluation takes every row once', 'Remove it.');
  if (options.maxEvalSamples !== null && options.eval === null) {
    throw unfit('maxEvalSamples', options.maxEvalSamples, 'there is no data.eval', 'Set data.eval, or remove it.');
  }
}
