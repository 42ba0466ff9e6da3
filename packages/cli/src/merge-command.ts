// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { overlayCompanions } from '@llmf/models';
import {
  logitsOf,
  ModelLoaderToken,
  tf,
  type AttachedAdapter,
  type AttachedHead,
  type LowRank,
  type Model,
  type SaveOptions,
} from '@llmf/nn';
import { evaluationMode, loadModel } from '@llmf/training';
import { cliErrors } from './cli-errors.js';
import { classifierOf, openInference, type Inference } from './inference.js';
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
 * Writes a model folder whose weights contain the adapter: W + scale · B A. Loads it again and compares every merged
 * weight, and the logits, with those of model and adapter. Returns 1 when they differ by more than the dtype explains.
 */
export async function mergeCommand(io: CliIo, flags: MergeFlags): Promise<number> {
  const { model, adapter, backend, plugin: plugins = [] } = flags;
  const request = { model, adapter, backend, plugins, precision: 'f32', settings: [], command: 'llmf merge' };
  await refuseWeights(resolve(io.folder, flags.output));
  const inference = await openInference(io, request, { info: () => {}, warn: (line) => io.err.write(`${line}\n`) });
  try {
    const layers = additiveLayers(inference);
    const classifier = classifierOf(inference);
    const what = classifier === null ? 'logit' : 'score';
    const expected = await probe(inference.model, inference.adapter, classifier);
    const output = resolve(io.folder, flags.output);
    const adapterFolder = resolve(io.folder, adapter);
    await saveMerged(inference, layers, output, flags.dtype, (folder) => overlayCompanions(adapterFolder, folder));
    const saved = await loadModel(inference.run, output);
    const got = await probe(saved, null, classifier);
    io.out.write(`merged ${layers.size} layers into ${flags.output}\n`);
    const status = statusOf(io, what, expected, got, flags.dtype);
    const weightStatus = await statusOfWeights(io, inference.model, layers, saved, flags.dtype);
    saved.dispose();
    return Math.max(status, weightStatus);
  } finally {
    await inference.close();
  }
}

/** A merged model replaces no other weights, least of all those it is made from. @throws LLMF_CLI_OUTPUT_HOLDS_WEIGHTS */
async function refuseWeights(output: string): Promise<void> {
  const names = await readdir(output).catch(() => []);
  const weights = names.find((name) => name.endsWith('.safetensors'));
  if (weights !== undefined) throw cliErrors.outputHoldsWeights({ folder: output, file: weights });
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
  companions: NonNullable<SaveOptions['companions']>,
): Promise<void> {
  const loader = inference.run.container.resolve(ModelLoaderToken);
  const isChanged = (parameter: string) => layers.has(parameter.replace(/\.weight$/, ''));
  const withoutHead = classifierOf(inference) !== null;
  const merged = await loadModel(inference.run, inference.folder, { isTrainable: isChanged, withoutHead });
  for (const [path, lowRank] of layers) {
    const weight = merged.parameters.get(`${path}.weight`)!.value as tf.Variable;
    tf.tidy(() => weight.assign(tf.add(weight, updateOf(lowRank))));
  }
  await loader.save(merged, output, {
    source: inference.folder,
    dtype,
    companions,
    heads: [...inference.heads.values()],
  });
  merged.dispose();
}

/** Also layers that a text does not reach, such as those of a vision tower, hold what they should. */
async function statusOfWeights(
  io: CliIo,
  { linears }: Model,
  layers: ReadonlyMap<string, LowRank>,
  saved: Model,
  dtype: SaveOptions['dtype'],
): Promise<number> {
  let status = 0;
  for (const [path, lowRank] of layers) {
    const merged = tf.tidy(() => tf.add(linears.get(path)!.weight, updateOf(lowRank)));
    const expected = (await merged.data()) as Float32Array;
    merged.dispose();
    const got = (await saved.linears.get(path)!.weight.data()) as Float32Array;
    status = Math.max(status, statusOf(io, `weight of ${path}`, expected, got, dtype, true));
  }
  return status;
}

/** scale · B A, [outputs, inputs] */
const updateOf = ({ a, b, scale }: LowRank): tf.Tensor2D =>
  tf.mul(tf.matMul(b as tf.Tensor2D, a as tf.Tensor2D), scale);

/** What the model makes of a fixed row of tokens spread over the vocabulary: logits [T · V], or scores [T · labels]. */
async function probe(
  model: Model,
  adapter: AttachedAdapter | null,
  classifier: AttachedHead | null,
): Promise<Float32Array> {
  const length = Math.min(32, model.contextLength);
  const ids = Int32Array.from({ length }, (_, index) => (index * 7919) % model.vocabularySize);
  const positions = Int32Array.from({ length }, (_, index) => index);
  const outputs = tf.tidy(() => {
    const context = { segments: [{ start: 0, length }], positions, ...evaluationMode(adapter) };
    const hidden = model.forward(model.embed(ids), context); // [T, C]
    return classifier === null ? logitsOf(model, hidden, positions) : classifier.forward(hidden);
  });
  const values = (await outputs.data()) as Float32Array;
  outputs.dispose();
  return values;
}
