// SPDX-License-Identifier: Apache-2.0
/**
 * Folders of Transformers' classifiers (…ForSequenceClassification, reward models among them, and …ForTokenClassification):
 * the weights of the model without a language-model head, and those of the head, `score.weight` unless the family has its
 * own. Reference: Transformers 5.18, modeling_layers.py, GenericForSequenceClassification; the families' own files.
 */
import { LlmfError, openSafetensorsFolder, type HostTensor } from '@llmf/core';
import { classifierHead, layerPaths, type Architecture, type Head, type SavedHeads } from '@llmf/nn';
import { modelErrors } from '../errors.js';
import type { ModelConfig } from './model-config.js';

type Config = Readonly<Record<string, unknown>>;

const ends = (end: string, { architectures }: Config): boolean =>
  Array.isArray(architectures) && architectures.some((name) => String(name).endsWith(end));

export const isClassifier = (config: Config): boolean =>
  ends('ForSequenceClassification', config) || ends('ForTokenClassification', config);

/** Does a family's head of one score stand beside its language model, which it cannot do without? */
export const keepsLanguageHead = ({ classifierHead: form }: Pick<Architecture, 'classifierHead'>): boolean =>
  classifierHead({ outputs: 1 }, 1, form).replacesLanguageModel !== true;

/** The head of a classifier as its family has it. @throws LLMF_MODELS_NO_CLASSIFIER */
function headOf(config: Config, { classifierHead: form }: Pick<Architecture, 'classifierHead'>): Head {
  const hidden = Number(config['hidden_size'] ?? config['n_embd'] ?? config['d_model'] ?? 0);
  const ofTokens = ends('ForTokenClassification', config);
  const head = classifierHead({ outputs: labelCount(config) ?? 1, ofTokens }, hidden, form);
  if (head.replacesLanguageModel !== true) throw modelErrors.noClassifier({ modelType: String(config['model_type']) });
  return head;
}

/** Is a weight one of the head that classifies? */
export function classifierWeights(config: Config, architecture: Architecture): (name: string) => boolean {
  const paths = layerPaths(headOf(config, architecture));
  return (name) => paths.some((path) => name.startsWith(`${path}.`));
}

/**
 * Shapes, by name, of the weights that a model without its language-model head has not: that head's, those that are tied to
 * others too, and those that a classifier's head of the family has (the pooler of an encoder).
 */
export function languageHead(config: ModelConfig, architecture: Architecture): ReadonlyMap<string, readonly number[]> {
  const weights = architecture.weights(config);
  const isOfHead = classifierWeights(config, architecture);
  const ofHead = [...weights].filter(
    ([name]) => isOfHead(name) || (architecture.headPath !== undefined && name.startsWith(`${architecture.headPath}.`)),
  );
  const paths = [...weights].filter(([, { kind }]) => kind === 'head').map(([name]) => name.replace(/\.weight$/, ''));
  const own = [...weights].filter(([name]) => paths.some((path) => name.startsWith(`${path}.`)));
  const tied = [...(architecture.tied?.(config) ?? [])].map(
    ([name, other]) => [name, weights.get(other)!.shape] as const,
  );
  return new Map([...[...own, ...ofHead].map(([name, { shape }]) => [name, shape] as const), ...tied]);
}

/** The head of a classifier's folder. @throws LLMF_MODELS_CLASSIFIER_HEAD where the files hold none, or another than config.json says */
export async function readClassifierHead(
  folder: string,
  config: Config,
  architecture: Architecture,
): Promise<SavedHeads> {
  const head = headOf(config, architecture);
  const store = await openSafetensorsFolder(folder);
  try {
    const isOfHead = classifierWeights(config, architecture);
    const tensors: Record<string, HostTensor> = {};
    for (const name of store.tensors.keys()) if (isOfHead(name)) tensors[name] = await store.read(name);
    const last = layerPaths(head).at(-1)!;
    const weight = tensors[`${last}.weight`];
    const expected = labelCount(config);
    if (weight === undefined || (expected !== null && weight.shape[0] !== expected)) {
      throw modelErrors.classifierHead({
        folder,
        weight: `${last}.weight`,
        got: weight?.shape ?? null,
        labels: expected,
      });
    }
    const facts = { outputs: weight.shape[0]!, ...(`${last}.bias` in tensors && { bias: true }) };
    return { heads: [{ ...head, ...facts, ...labelsOf(config) }], tensors, folder };
  } finally {
    await store.close();
  }
}

/** Those of some weights, by the architecture's names, that a folder's files hold; none of a folder without safetensors. */
export async function readNamed(
  folder: string,
  names: readonly string[],
  architecture: Architecture,
): Promise<Readonly<Record<string, HostTensor>>> {
  if (names.length === 0) return {};
  const store = await openSafetensorsFolder(folder).catch((error: unknown) => {
    if (LlmfError.is(error) && error.code === 'LLMF_CORE_NO_WEIGHTS') return null;
    throw error;
  });
  if (store === null) return {};
  try {
    const tensors: Record<string, HostTensor> = {};
    for (const key of store.tensors.keys()) {
      const name = architecture.renameWeight === undefined ? key : architecture.renameWeight(key);
      if (name !== null && names.includes(name)) tensors[name] = await store.read(key);
    }
    return tensors;
  } finally {
    await store.close();
  }
}

/** Transformers counts the labels of `id2label`; files of before hold `num_labels`. */
function labelCount({ id2label, num_labels }: Config): number | null {
  if (typeof id2label === 'object' && id2label !== null) return Object.keys(id2label).length;
  return typeof num_labels === 'number' ? num_labels : null;
}

function labelsOf({ id2label, problem_type: problem }: Config): Pick<Head, 'labels' | 'problem'> {
  const isKnown = ['regression', 'single_label_classification', 'multi_label_classification'].includes(String(problem));
  return {
    ...(typeof id2label === 'object' && id2label !== null && { labels: Object.values(id2label).map(String) }),
    ...(isKnown && { problem: problem as NonNullable<Head['problem']> }),
  };
}

/** A language model's config as that of the classifier that `head` makes of it. */
export function classifierConfig(config: Config, { outputs, labels, problem, at }: Head): Config {
  const ofTokens = at === 'token';
  const names = labels ?? Array.from({ length: outputs }, (_, label) => `LABEL_${label}`);
  return {
    ...config,
    architectures: [className(config, ofTokens ? 'ForTokenClassification' : 'ForSequenceClassification')],
    num_labels: outputs,
    id2label: Object.fromEntries(names.map((name, label) => [String(label), name])),
    label2id: Object.fromEntries(names.map((name, label) => [name, label])),
    ...(!ofTokens && {
      problem_type: problem ?? config['problem_type'] ?? (outputs === 1 ? 'regression' : 'single_label_classification'),
    }),
  };
}

/** `LlamaForCausalLM`, `GPT2LMHeadModel`, `LlamaModel` → `…ForSequenceClassification`. */
function className({ architectures, model_type }: Config, end: string): string {
  const stated = Array.isArray(architectures) ? String(architectures[0]) : `${String(model_type)}Model`;
  const family = stated.replace(/(For[A-Z]\w*|LMHeadModel|Model)$/, '');
  return `${family[0]!.toUpperCase()}${family.slice(1)}${end}`;
}
