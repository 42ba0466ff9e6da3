// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path';
import { isPlain, isThereSync, type ConfigInput, type ConfigSource } from '@llmf/core';
import { isReference, laidOver, type Pipeline, type TrainingEntry } from './pipeline-file.js';
import { pipelineErrors } from './pipeline-errors.js';

/** What the stages so far have written: a model folder, or an adapter over the model they began with. */
export interface Written {
  /** Its folder, relative to the pipeline's. */
  readonly folder: string;
  /** Its `model` section; null: a command's folder, which stands for itself. */
  readonly model: Readonly<Record<string, unknown>> | null;
  readonly isAdapter: boolean;
  /** It can be begun with. */
  readonly isModel: boolean;
}

export const stageFolder = ({ output }: Pipeline, name: string): string => join(output, name);

/** Looks at what a finished stage left. */
export function writtenBy(pipeline: Pipeline, name: string, model: Written['model']): Written {
  const folder = stageFolder(pipeline, name);
  const holds = (file: string) => isThereSync(join(pipeline.folder, folder, file));
  const isAdapter = holds('adapter_config.json');
  return { folder, model, isAdapter, isModel: isAdapter || holds('config.json') };
}

/**
 * The config of a training stage: `common` under its own keys, the output, what `from` stands for, and folders in place
 * of `{ from: NAME }`. `writtenSoFar` holds every earlier stage.
 */
export function stageInput(
  pipeline: Pipeline,
  stage: TrainingEntry,
  writtenSoFar: ReadonlyMap<string, Written>,
): ConfigInput {
  const own = withFolders(stage.config, pipeline) as Record<string, unknown>;
  const started = stage.from === null ? own : begunWith(pipeline, stage, own, writtenSoFar.get(stage.from)!);
  return {
    raw: { ...started, output: stageFolder(pipeline, stage.name) },
    source: stageSource(pipeline, stage.name),
    folder: pipeline.folder,
    file: pipeline.input.file,
  };
}

/** @throws LLMF_CLI_PIPELINE_TWO_MODELS, …_ADAPTER, …_WROTE_NOTHING */
function begunWith(
  pipeline: Pipeline,
  { name, from }: TrainingEntry,
  config: Readonly<Record<string, unknown>>,
  written: Written,
): Record<string, unknown> {
  const { source, raw } = pipeline.input;
  const stages = raw['stages'] as Record<string, Record<string, unknown>>;
  const ownModel = stages[name]!['model'];
  if (isPlain(ownModel) && 'path' in ownModel) {
    const where = source.locate(['stages', name, 'model', 'path']);
    throw pipelineErrors.pipelineTwoModels({ stage: name, from: from!, where });
  }
  if (!written.isModel) throw pipelineErrors.pipelineWroteNothing({ from: from!, folder: written.folder });
  const model = isPlain(config['model']) ? config['model'] : {};
  if (!written.isAdapter) return { ...config, model: { ...model, path: written.folder } };
  const adapter = config['adapter'] ?? {};
  if (!isPlain(adapter) || 'path' in adapter) {
    const where = source.locate(['stages', name, 'adapter']);
    const text = typeof adapter === 'string' ? adapter : JSON.stringify(adapter);
    throw pipelineErrors.pipelineAdapter({ stage: name, from: from!, adapter: text, where });
  }
  return {
    ...config,
    model: laidOver(written.model ?? {}, { ...model, path: written.model?.['path'] }),
    adapter: { ...adapter, path: written.folder },
  };
}

/** Paths in place of `{ from: NAME }` and `{ from: NAME, file: PATH }`. */
export function withFolders(value: unknown, pipeline: Pipeline): unknown {
  if (isReference(value)) return join(stageFolder(pipeline, value.from), value.file ?? '');
  if (Array.isArray(value)) return value.map((each) => withFolders(each, pipeline));
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withFolders(each, pipeline)]));
}

/** Where a stage's config says something: at the stage, else in `common`. */
function stageSource({ input }: Pipeline, name: string): ConfigSource {
  const { source, raw } = input;
  const isIn = (root: unknown, path: readonly PropertyKey[]) =>
    path.reduce<unknown>((value, step) => (value as Record<PropertyKey, unknown> | undefined)?.[step], root) !==
    undefined;
  const own = (raw['stages'] as Record<string, unknown>)[name];
  return {
    locate: (path, part) =>
      !isIn(own, path.slice(0, 1)) && isIn(raw['common'], path.slice(0, 1))
        ? source.locate(['common', ...path], part)
        : source.locate(['stages', name, ...path], part),
  };
}
