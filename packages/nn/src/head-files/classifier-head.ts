// SPDX-License-Identifier: Apache-2.0
import type { Head } from '../contracts/head.js';

/** What Transformers calls the head of a decoder that classifies (modeling_layers.py, GenericForSequenceClassification). */
export const classifierHeadName = 'score';

/** A family's own form of a classifier's head, where it has one. */
export type HeadForm = ((head: Head, hiddenSize: number) => Head) | undefined;

/**
 * The head of a classifier as Transformers builds it for most families: of sequences one matrix at the last token, of
 * tokens one with a bias. `form` is the family's own.
 */
export function classifierHead(
  { outputs, ofTokens = false }: { readonly outputs: number; readonly ofTokens?: boolean },
  hiddenSize: number,
  form: HeadForm,
): Head {
  const name = classifierHeadName;
  const head: Head = ofTokens
    ? { name, outputs, at: 'token', bias: true, replacesLanguageModel: true }
    : { name, outputs, at: 'last', replacesLanguageModel: true };
  return form?.(head, hiddenSize) ?? head;
}

/**
 * A head as a family's classifiers have it, where it takes the language model's place.
 * @param form the family's own
 */
export const familyHead = (head: Head, hiddenSize: number, form: HeadForm): Head =>
  head.replacesLanguageModel === true ? (form?.(head, hiddenSize) ?? head) : head;
