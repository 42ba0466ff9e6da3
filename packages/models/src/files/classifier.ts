// SPDX-License-Identifier: Apache-2.0
/**
 * Folders of Transformers' sequence classifiers (…ForSequenceClassification), reward models among them: the weights of the
 * decoder without a language-model head, and `score.weight`. Reference: Transformers 5.18, modeling_layers.py,
 * GenericForSequenceClassification.
 */
import { openSafetensorsFolder, type HostTensor } from '@llmf/core';
import { classifierHead, classifierHeadName, type Architecture, type Head, type SavedHeads } from '@llmf/nn';
import { modelErrors } from '../errors.js';
import type { ModelConfig } from './model-config.js';

type Config = Readonly<Record<string, unknown>>;

export const isClassifier = ({ architectures }: Config): boolean =>
  Array.isArray(architectures) && architectures.some((name) => String(name).endsWith('ForSequenceClassification'));

/** Weights of the head that classifies. */
export const isClassifierWeight = (name: string): boolean => name.startsWith(`${classifierHeadName}.`);

/** Shapes of the language-model head's weights by name, those that are tied to others too. */
export function languageHead(config: ModelConfig, architecture: Architecture): ReadonlyMap<string, readonly number[]> {
  const weights = architecture.weights(config);
  const paths = [...weights].filter(([, { kind }]) => kind === 'head').map(([name]) => name.replace(/\.weight$/, ''));
  const own = [...weights].filter(([name]) => paths.some((path) => name.startsWith(`${path}.`)));
  const tied = [...(architecture.tied?.(config) ?? [])].map(
    ([name, other]) => [name, weights.get(other)!.shape] as const,
  );
  return new Map([...own.map(([name, { shape }]) => [name, shape] as const), ...tied]);
}

/** The head of a classifier's folder. @throws LLMF_MODELS_CLASSIFIER_HEAD where the files hold none, or another than config.json says */
export async function readClassifierHead(folder: string, config: Config): Promise<SavedHeads> {
  const store = await openSafetensorsFolder(folder);
  try {
    const tensors: Record<string, HostTensor> = {};
    for (const name of store.tensors.keys()) if (isClassifierWeight(name)) tensors[name] = await store.read(name);
    const weight = tensors[`${classifierHeadName}.weight`];
    const expected = labelCount(config);
    if (weight === undefined || (expected !== null && weight.shape[0] !== expected)) {
      throw modelErrors.classifierHead({ folder, got: weight?.shape ?? null, labels: expected });
    }
    return { heads: [{ ...classifierHead(tensors), ...labelsOf(config) }], tensors, folder };
  } finally {
    await store.close();
  }
}

/** Transformers counts the labels of `id2label`; files of before hold `num_labels`. */
function labelCount({ id2label, num_labels }: Config): number | null {
  if (typeof id2label === 'object' && id2label !== null) return Object.keys(id2label).length;
  return typeof num_labels === 'number' ? num_labels : null;
}

function labelsOf({ id2label }: Config): Pick<Head, 'labels'> {
  return typeof id2label === 'object' && id2label !== null ? { labels: Object.values(id2label).map(String) } : {};
}

/** A language model's config as that of the classifier that `head` makes of it. */
export function classifierConfig(config: Config, { outputs, labels }: Head): Config {
  const names = labels ?? Array.from({ length: outputs }, (_, label) => `LABEL_${label}`);
  return {
    ...config,
    architectures: [className(config)],
    num_labels: outputs,
    id2label: Object.fromEntries(names.map((name, label) => [String(label), name])),
    label2id: Object.fromEntries(names.map((name, label) => [name, label])),
    problem_type: config['problem_type'] ?? (outputs === 1 ? 'regression' : 'single_label_classification'),
  };
}

/** `LlamaForCausalLM`, `GPT2LMHeadModel`, `LlamaModel` → `…ForSequenceClassification`. */
function className({ architectures, model_type }: Config): string {
  const stated = Array.isArray(architectures) ? String(architectures[0]) : `${String(model_type)}Model`;
  const family = stated.replace(/(For[A-Z]\w*|LMHeadModel|Model)$/, '');
  return `${family[0]!.toUpperCase()}${family.slice(1)}ForSequenceClassification`;
}
