// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { StartedBackendToken } from '@llmf/core';
import {
  ArchitectureToken,
  logitsOf,
  ModelLoaderToken,
  tf,
  type AttachedAdapter,
  type LoadOptions,
  type LowRank,
  type Model,
  type SaveOptions,
} from '@llmf/nn';
import { evaluationMode } from '@llmf/training';
import { cliErrors } from './cli-errors.js';
import { openInference, type Inference } from './inference.js';
import { statusOf } from './merge-tolerance.js';
import type { CliIo } from './io.js';

export interface MergeFlags {
  readonly model: string;
  readonly adapter: string;
  readonly output: string;
  readonly dtype: SaveOptions['dtype'];
  readonly backend: string;
  readonly plugin?: readonly string[];
}

/**
 * Writes a model folder whose weights contain the adapter: W + scale · B A. Loads it again and compares its logits with
 * those of model and adapter. Returns 1 when they differ by more than the dtype explains.
 */
export async function mergeCommand(io: CliIo, flags: MergeFlags): Promise<number> {
  const { model, adapter, backend, plugin: plugins = [] } = flags;
  const request = { model, adapter, backend, plugins, precision: 'f32', settings: [], command: 'llmf merge' };
  const inference = await openInference(io, request, { info: () => {}, warn: (line) => io.err.write(`${line}\n`) });
  try {
    const layers = additiveLayers(inference);
    const expected = await probeLogits(inference.model, inference.adapter);
    const output = resolve(io.folder, flags.output);
    await saveMerged(inference, layers, output, flags.dtype);
    const saved = await loadFrozen(inference, output);
    const got = await probeLogits(saved, null);
    saved.dispose();
    io.out.write(`merged ${layers.size} layers into ${flags.output}\n`);
    return statusOf(io, expected, got, flags.dtype);
  } finally {
    await inference.close();
  }
}

/** The adapter's part of each layer it changes. @throws LLMF_CLI_NOT_ADDITIVE for an adapter of another form. */
function additiveLayers({ model, adapter }: Inference): Map<string, LowRank> {
  if (adapter === null || adapter.transform !== undefined) throw cliErrors.notAdditive({});
  const layers = new Map<string, LowRank>();
  for (const path of model.linears.keys()) {
    const lowRank = adapter.lowRank(path);
    if (lowRank !== null) layers.set(path, lowRank);
  }
  return layers;
}

async function saveMerged(
  inference: Inference,
  layers: ReadonlyMap<string, LowRank>,
  output: string,
  dtype: SaveOptions['dtype'],
): Promise<void> {
  const loader = inference.run.container.resolve(ModelLoaderToken);
  const isChanged = (parameter: string) => layers.has(parameter.replace(/\.weight$/, ''));
  const merged = await loader.load(inference.folder, { ...loadOptions(inference), isTrainable: isChanged });
  for (const [path, { a, b, scale }] of layers) {
    const weight = merged.parameters.get(`${path}.weight`)!.value as tf.Variable;
    tf.tidy(() => weight.assign(tf.add(weight, tf.mul(tf.matMul(b as tf.Tensor2D, a as tf.Tensor2D), scale))));
  }
  await loader.save(merged, output, { source: inference.folder, dtype });
  merged.dispose();
}

const loadFrozen = (inference: Inference, folder: string): Promise<Model> =>
  inference.run.container.resolve(ModelLoaderToken).load(folder, loadOptions(inference));

const loadOptions = ({ engine, run }: Inference): LoadOptions => ({
  precision: 'f32',
  isTrainable: () => false,
  find: (modelType) => engine.find(ArchitectureToken, modelType),
  mapFile: run.container.resolve(StartedBackendToken).mapFile,
});

/** Logits of a fixed row of tokens spread over the vocabulary, [T · V]. */
async function probeLogits(model: Model, adapter: AttachedAdapter | null): Promise<Float32Array> {
  const length = Math.min(32, model.contextLength);
  const ids = Int32Array.from({ length }, (_, index) => (index * 7919) % model.vocabularySize);
  const positions = Int32Array.from({ length }, (_, index) => index);
  const logits = tf.tidy(() => {
    const context = { segments: [{ start: 0, length }], positions, ...evaluationMode(adapter) };
    return logitsOf(model, model.forward(model.embed(ids), context), positions);
  });
  const values = (await logits.data()) as Float32Array;
  logits.dispose();
  return values;
}
