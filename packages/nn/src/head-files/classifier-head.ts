// SPDX-License-Identifier: Apache-2.0
import type { HostTensor } from '@llmf/core';
import type { Head } from '../heads/head.js';

/** What Transformers calls the head of a decoder that classifies (modeling_layers.py, GenericForSequenceClassification). */
export const classifierHeadName = 'score';

/** The head that such weights are: `score.weight` [outputs, C], and a bias where there is one. */
export function classifierHead(tensors: Readonly<Record<string, Pick<HostTensor, 'shape'>>>): Head {
  const name = classifierHeadName;
  const outputs = tensors[`${name}.weight`]?.shape[0] ?? 1;
  const bias = `${name}.bias` in tensors;
  return { name, outputs, at: 'last', replacesLanguageModel: true, ...(bias && { bias }) };
}
