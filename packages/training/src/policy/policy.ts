// SPDX-License-Identifier: Apache-2.0
import { firstNonFinite, readSection, type Choice, type Run } from '@llmf/core';
import {
  AdapterToken,
  ArchitectureToken,
  AttachedAdapterToken,
  AttachedHeadsToken,
  ModelLoaderToken,
  modelSection,
  ModelToken,
  tf,
  type Adapter,
  type AttachedAdapter,
  type AttachedHead,
  type Head,
  type LoadOptions,
  type Model,
  type Variable,
} from '@llmf/nn';
import { chosen } from '../choose.js';
import { DataServiceToken } from '../contracts/data.js';
import { trainingErrors } from '../training-errors.js';
import { attachHeads } from './attach-heads.js';
import { keepIdentity } from './identity.js';
import { loadModel } from './load-model.js';
import { hostTensors, loadVariables, tensorsToWrite } from './variable-state.js';

/** The model that a run trains, with its adapter, and every weight that is trained. */
export interface Policy {
  readonly model: Model;
  readonly folder: string;
  readonly adapter: AttachedAdapter | null;
  /** By name. */
  readonly heads: ReadonlyMap<string, AttachedHead>;
  /** By parameter name; adapter variables under PEFT's keys, those of heads under their own. */
  readonly variables: ReadonlyMap<string, Variable>;
}

/**
 * Loads `model.path` and attaches the chosen adapter and the heads, which may depend on the model's size. Registers both in the run, the trained weights as state `weights`,
 * and says what is trained. An `outline` has the adapter's values and none of the model's: for what is said of a run
 * before it loads.
 * @throws LLMF_NN_WEIGHT_NOT_READ where an adapter begins with the values of an outline's weights
 */
export async function openPolicy(
  run: Run,
  heads: readonly Head[] | ((model: Pick<Model, 'hiddenSize' | 'vocabularySize'>) => readonly Head[]) = [],
  { outline = false }: Pick<LoadOptions, 'outline'> = {},
): Promise<Policy> {
  const folder = await modelFolder(run);
  const choice: Choice = run.config.choices['adapter']![0]!;
  const adapterKind: Adapter = chosen(run.container, AdapterToken, choice.name, 'adapter');
  const model = await loadModel(run, folder, {
    isTrainable: (parameter, blocks) => adapterKind.trainsBase(parameter, blocks, choice.options),
    withoutHead: Array.isArray(heads) && heads.some(({ replacesLanguageModel }) => replacesLanguageModel === true),
    outline,
  });
  warnAboutConfig(run, model);
  const adapter = await attachAdapter(run, model);
  const attachedHeads = await attachHeads(
    run,
    { model, folder, adapter },
    typeof heads === 'function' ? heads(model) : heads,
  );
  run.hooks.shutdown.tap('model', () => {
    for (const head of attachedHeads.values()) head.dispose();
    adapter?.dispose();
    model.dispose();
  });
  if (adapter !== null && run.config.saveDtype !== 'auto') {
    throw trainingErrors.saveDtypeOfAdapter({ adapter: choice.name, saveDtype: run.config.saveDtype });
  }
  const variables = trainedVariables(model, adapter, attachedHeads);
  const policy = { model, folder, adapter, heads: attachedHeads, variables };
  if (policy.variables.size === 0) throw trainingErrors.nothingTrainable({ adapter: choice.name });
  run.container.register(ModelToken, model);
  run.container.register(AttachedAdapterToken, adapter);
  run.container.register(AttachedHeadsToken, attachedHeads);
  run.state.add('weights', {
    save: async () => ({ tensors: await hostTensors(policy.variables) }),
    stream: async () => {
      await checkFinite(policy.variables);
      return { tensors: tensorsToWrite(policy.variables) };
    },
    load: ({ tensors }) => loadVariables(policy.variables, tensors ?? {}),
    isResult: true,
  });
  if (!outline) await keepIdentity(run, 'base', folder, adapter);
  run.logger.info(describeTrained(policy));
  return policy;
}

/** @throws LLMF_TRAINING_WEIGHTS_NOT_FINITE: a checkpoint of such weights would only push out a good one. */
async function checkFinite(variables: ReadonlyMap<string, Variable>): Promise<void> {
  const weights: string[] = [];
  for (const [name, variable] of variables) {
    if (firstNonFinite((await variable.data()) as Float32Array) >= 0) weights.push(name);
  }
  if (weights.length > 0) throw trainingErrors.weightsNotFinite({ weights });
}

/** The local folder of `model.path`. */
export const modelFolder = (run: Run): Promise<string> =>
  run.container.resolve(ModelLoaderToken).locate(readSection(run.config, modelSection).path, run.folder);

/** The run's adapter choice on a model: always the same starting point. */
export async function attachAdapter(run: Run, model: Model): Promise<AttachedAdapter | null> {
  const { name, options } = run.config.choices['adapter']![0]!;
  const key = { seed: run.config.train.seed, stream: 'adapter', step: 0, microbatch: 0 };
  const kind = chosen(run.container, AdapterToken, name, 'adapter');
  return await kind.attach(model, options, key, run.folder, (text) => tokenize(run, text));
}

/** Tokens of a text by the run's tokenizer; null where its data has none. */
async function tokenize(run: Run, text: string): Promise<Int32Array | null> {
  if (!run.container.has(DataServiceToken)) return null;
  return (await run.container.resolve(DataServiceToken).text(run))?.encode(text) ?? null;
}

/** Says once what the checkpoint's config asks for and the architecture leaves out. */
function warnAboutConfig(run: Run, { modelType, config }: Model): void {
  const architecture = chosen(run.container, ArchitectureToken, modelType, 'model');
  for (const remark of architecture.remarks?.({ ...config }) ?? []) run.logger.warn(`model: ${remark}`);
}

function trainedVariables(
  model: Model,
  adapter: AttachedAdapter | null,
  heads: ReadonlyMap<string, AttachedHead>,
): Map<string, Variable> {
  const base = [...model.parameters.values()].filter(({ trainable }) => trainable);
  const variables = new Map(base.map(({ name, value }) => [name, value as Variable]));
  for (const [name, variable] of adapter?.variables ?? []) variables.set(name, variable);
  for (const head of heads.values()) for (const [name, variable] of head.variables) variables.set(name, variable);
  return variables;
}

/** One line for the log: what is trained, of how much. */
function describeTrained({ model, variables }: Policy): string {
  const sizeOf = (shape: readonly number[]) => tf.util.sizeFromShape([...shape]);
  const trained = [...variables.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const frozen = [...model.parameters.values()]
    .filter(({ trainable }) => !trainable)
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const total = trained + frozen;
  const share = ((100 * trained) / total).toFixed(2);
  return `training ${trained.toLocaleString('en')} of ${total.toLocaleString('en')} weights (${share} %) of a ${model.modelType} model`;
}
