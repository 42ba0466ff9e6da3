// SPDX-License-Identifier: Apache-2.0
import { trainingHooks } from '../contracts/hooks.js';
import { join } from 'node:path';
import { PrecisionToken, StartedBackendToken, type Choice, type Run, readSection } from '@llmf/core';
import {
  AdapterToken,
  ArchitectureToken,
  AttachedAdapterToken,
  ModelLoaderToken,
  ModelToken,
  type Adapter,
  type AttachedAdapter,
  type Model,
  tf,
  modelSection,
  type Variable,
} from '@llmf/nn';
import { chosen } from '../choose.js';
import { trainingErrors } from '../training-errors.js';

/** The run's model with its adapter, and every weight that is trained. */
export interface RunModel {
  readonly model: Model;
  readonly folder: string;
  readonly adapter: AttachedAdapter | null;
  /** By parameter name; adapter variables under PEFT's keys. */
  readonly variables: ReadonlyMap<string, Variable>;
}

/** Loads `model.path`, lets `modelLoaded` taps transform it, attaches the chosen adapter, registers both in the run. */
export async function loadRunModel(run: Run): Promise<RunModel> {
  const loader = run.container.resolve(ModelLoaderToken);
  const folder = await loader.locate(readSection(run.config, modelSection).path, run.folder);
  const choice: Choice = run.config.choices['adapter']![0]!;
  const adapterKind: Adapter = chosen(run.container, AdapterToken, choice.name, 'adapter');
  const loaded = await loader.load(folder, {
    precision: run.container.resolve(PrecisionToken),
    mapFile: run.container.resolve(StartedBackendToken).mapFile,
    isTrainable: (parameter, blocks) => adapterKind.trainsBase(parameter, blocks, choice.options),
    find: (modelType) => chosen(run.container, ArchitectureToken, modelType, join(folder, 'config.json')),
  });
  const model = (await trainingHooks(run).modelLoaded.promise(loaded)) as Model;
  warnAboutConfig(run, model);
  const key = { seed: run.config.train.seed, stream: 'adapter', step: 0, microbatch: 0 };
  const adapter = await adapterKind.attach(model, choice.options, key, run.folder);
  if (adapter !== null && run.config.saveDtype !== 'auto') {
    throw trainingErrors.saveDtypeOfAdapter({ adapter: choice.name, saveDtype: run.config.saveDtype });
  }
  const variables = trainedVariables(model, adapter);
  if (variables.size === 0) throw trainingErrors.nothingTrainable({ adapter: choice.name });
  run.container.register(ModelToken, model);
  run.container.register(AttachedAdapterToken, adapter);
  run.hooks.shutdown.tap('model', () => {
    adapter?.dispose();
    model.dispose();
  });
  return { model, folder, adapter, variables };
}

/** Says once what the checkpoint's config asks for and the architecture leaves out. */
function warnAboutConfig(run: Run, { modelType, config }: Model): void {
  const architecture = chosen(run.container, ArchitectureToken, modelType, 'model');
  for (const remark of architecture.remarks?.({ ...config }) ?? []) run.logger.warn(`model: ${remark}`);
}

function trainedVariables(model: Model, adapter: AttachedAdapter | null): Map<string, Variable> {
  const base = [...model.parameters.values()].filter(({ trainable }) => trainable);
  const variables = new Map(base.map(({ name, value }) => [name, value as Variable]));
  for (const [name, variable] of adapter?.variables ?? []) variables.set(name, variable);
  return variables;
}

/** One line for the log: what is trained, of how much. */
export function describeTrained({ model, variables }: RunModel): string {
  const sizeOf = (shape: readonly number[]) => tf.util.sizeFromShape([...shape]);
  const trained = [...variables.values()].reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const frozen = [...model.parameters.values()]
    .filter(({ trainable }) => !trainable)
    .reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const total = trained + frozen;
  const share = ((100 * trained) / total).toFixed(2);
  return `training ${trained.toLocaleString('en')} of ${total.toLocaleString('en')} weights (${share} %) of a ${model.modelType} model`;
}
