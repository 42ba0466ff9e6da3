// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { formatNumber, readSection, refuseWeights } from '@llmf/core';
import { overlayCompanions } from '@llmf/models';
import {
  changesLayer,
  embedded,
  logitsOf,
  ModelLoaderToken,
  modelSection,
  packedOf,
  tf,
  type AttachedAdapter,
  type AttachedHead,
  type Model,
  type SaveOptions,
  type Segment,
} from '@llmf/nn';
import { checkFiles, evaluationMode, loadModel } from '@llmf/training';
import type { Combination } from '@llmf/adapters';
import { cliErrors } from './cli-errors.js';
import { combinedAdapter } from './combined-adapter.js';
import { classifierOf, openInference, type Inference } from './inference.js';
import { compareValues } from './merge-tolerance.js';
import type { CliIo } from './io.js';

export interface MergeFlags {
  readonly model: string;
  readonly adapter: readonly string[];
  readonly weights?: string;
  readonly combination: Combination;
  readonly rank?: number;
  readonly as: 'model' | 'adapter';
  readonly output: string;
  readonly dtype: SaveOptions['dtype'];
  readonly backend: string;
  readonly plugin?: readonly string[];
}

/**
 * Writes a model folder whose weights contain the adapter: W + scale · B A, where W is what the adapter was trained on, a
 * quantized one expanded. Before the folder appears it is loaded, and every merged weight, and the log-probs of every token,
 * are compared with those of model and adapter.
 *
 * @throws LLMF_CLI_MERGE_DIFFERS when they differ by more than the dtype explains
 */
export async function mergeCommand(io: CliIo, settings: readonly string[], flags: MergeFlags): Promise<void> {
  const { model, backend, plugin: plugins = [] } = flags;
  const [adapter] = flags.adapter;
  const isAlone = flags.adapter.length === 1;
  const request = {
    model,
    ...(isAlone && { adapter: adapter! }),
    backend,
    plugins,
    precision: 'f32',
    settings,
    settable: ['model.maxShardSize'],
    command: 'llmf merge',
  };
  await refuseWeights(resolve(io.folder, flags.output));
  const opened = await openInference(io, request, { info: () => {}, warn: (line) => io.err.write(`${line}\n`) });
  try {
    const inference = isAlone ? opened : { ...opened, adapter: await combinedAdapter(opened, flags) };
    if (flags.as === 'adapter') return await saveCombined(io, inference, flags);
    const changed = changedLayers(inference);
    const adapterFolder = resolve(io.folder, adapter!);
    const verify = await comparison(io, inference, changed, flags);
    const companions = (folder: string) => overlayCompanions(adapterFolder, folder);
    const options = { companions, dtype: flags.dtype, verify };
    await saveMerged(inference, changed, resolve(io.folder, flags.output), options);
    io.out.write(`merged ${mergedText(changed)} into ${flags.output}\n`);
    tf.dispose([...changed.own.values()]);
  } finally {
    await opened.close();
  }
}

/** Writes several adapters as one. @throws LLMF_CLI_USAGE for a single one, which is there already */
async function saveCombined(io: CliIo, { run, folder, adapter }: Inference, flags: MergeFlags): Promise<void> {
  if (flags.adapter.length === 1) {
    throw cliErrors.usage({ problem: '--as adapter writes several adapters as one', command: 'llmf merge' });
  }
  const loader = run.container.resolve(ModelLoaderToken);
  await loader.saveAdapter(adapter!, resolve(io.folder, flags.output), {
    source: folder,
    verify: () => checkFiles(run),
  });
  io.out.write(`combined ${flags.adapter.length} adapters (${flags.combination}) into ${flags.output}\n`);
}

/** Gives the weights that a layer has with the adapter in them. */
type Merge = NonNullable<AttachedAdapter['merged']>;

/** What the adapter changes of the model's weights. */
interface Changed {
  /** Paths of layers. */
  readonly paths: readonly string[];
  readonly merge: Merge;
  /** Other weights, by name: of modules that it trained whole, and of embeddings. */
  readonly own: ReadonlyMap<string, tf.Tensor>;
}

/** @throws LLMF_CLI_NOT_MERGED for an adapter that is no change of weights, LLMF_NN_ADAPTER_TIED */
function changedLayers({ model, adapter }: Inference): Changed {
  if (adapter?.merged === undefined) throw cliErrors.notMerged({});
  const paths = [...model.linears.keys()].filter((path) => changesLayer(adapter, path));
  return { paths, merge: (layer) => adapter.merged!(layer), own: adapter.ownWeights?.() ?? new Map() };
}

const mergedText = ({ paths, own }: Changed): string =>
  own.size === 0 ? `${paths.length} layers` : `${paths.length} layers and ${own.size} weights of other modules`;

/** What compares a new folder with model and adapter, which are asked now. */
async function comparison(
  io: CliIo,
  inference: Inference,
  changed: Changed,
  { dtype }: MergeFlags,
): Promise<(folder: string) => Promise<void>> {
  const { run, model, adapter } = inference;
  const classifier = classifierOf(inference);
  const expected = await probe(model, adapter, classifier);
  return async (folder) => {
    await checkFiles(run);
    const saved = await loadModel(run, folder, { quantization: null });
    const got = await probe(saved, null, classifier);
    compareValues(io, classifier === null ? 'log-prob' : 'score', expected, got, dtype);
    await compareWeights(io, model, changed, saved, dtype);
    saved.dispose();
  };
}

async function saveMerged(
  inference: Inference,
  { paths, merge, own }: Changed,
  output: string,
  given: Pick<SaveOptions, 'dtype' | 'companions' | 'verify'>,
): Promise<void> {
  const { run, model, folder, heads } = inference;
  const changed = new Set(paths);
  const values = (name: string) => {
    const whole = own.get(name);
    if (whole !== undefined) return whole.data() as Promise<Float32Array>;
    const [, path, part] = /^(.+)\.(weight|bias)$/.exec(name) ?? [];
    return path !== undefined && changed.has(path) ? mergedValues(model, path, merge, part as Part) : null;
  };
  const loader = run.container.resolve(ModelLoaderToken);
  const { maxShardSize } = readSection(run.config, modelSection);
  const options = { ...given, maxShardSize, source: folder, values, heads: [...heads.values()] };
  if (classifierOf(inference) === null) return await loader.save(model, output, options);
  const headless = await loadModel(run, folder, { withoutHead: true });
  await loader.save(headless, output, options);
  headless.dispose();
}

type Part = 'weight' | 'bias';

/** Values of one layer with the adapter in it, expanded where W is packed; null where they stay as they are. */
function mergedValues({ linears }: Model, path: string, merge: Merge, part: Part): Promise<Float32Array> | null {
  const { weight, bias } = merge(linears.get(path)!)!;
  const [asked, other] = part === 'weight' ? [weight, bias] : [bias, weight];
  other?.dispose();
  return asked === undefined ? null : takenValues(asked);
}

async function takenValues(tensor: tf.Tensor): Promise<Float32Array> {
  const values = (await tensor.data()) as Float32Array;
  tensor.dispose();
  return values;
}

/**
 * Also layers that a text does not reach, such as those of a vision tower, hold what they should. Of a quantized base
 * also says what rounding took: its expanded weights had all bits of float32.
 */
async function compareWeights(
  io: CliIo,
  model: Model,
  { paths, merge, own }: Changed,
  saved: Model,
  dtype: SaveOptions['dtype'],
): Promise<void> {
  const formats = new Set<string>();
  const [lost, whole] = [new SquareSum(), new SquareSum()];
  for (const path of paths) {
    const expected = await mergedValues(model, path, merge, 'weight')!;
    const got = (await saved.linears.get(path)!.weight.data()) as Float32Array;
    compareValues(io, `weight of ${path}`, expected, got, dtype, true);
    const format = packedOf(model.linears.get(path)!.weight)?.format;
    if (format === undefined || format.dtype !== undefined) continue;
    formats.add(format.name);
    lost.add(expected, got);
    whole.add(expected);
  }
  for (const [name, tensor] of own) {
    const got = (await saved.parameters.get(name)!.value.data()) as Float32Array;
    compareValues(io, name, (await tensor.data()) as Float32Array, got, dtype, true);
  }
  if (formats.size > 0) io.out.write(quantizedText([...formats], lost.root / whole.root));
}

/** Root of a sum of squares: of values, or of differences. */
class SquareSum {
  private sum = 0;

  add(values: Float32Array, less?: Float32Array): void {
    for (const [index, value] of values.entries()) this.sum += (value - (less?.[index] ?? 0)) ** 2;
  }

  get root(): number {
    return Math.sqrt(this.sum);
  }
}

const quantizedText = (formats: readonly string[], share: number): string =>
  `the base is kept in ${formats.join(', ')}: its merged layers were expanded and are no longer quantized; rounding them to the ` +
  `file's dtype took ${formatNumber(share)} of their size (root mean square); quantizing them again takes more\n`;

/** What the model makes of a fixed row of tokens spread over the vocabulary: log-probs [T · V], or scores [T · labels]. */
async function probe(
  model: Model,
  adapter: AttachedAdapter | null,
  classifier: AttachedHead | null,
): Promise<Float32Array> {
  const length = Math.min(32, model.contextLength);
  const ids = Int32Array.from({ length }, (_, index) => (index * 7919) % model.vocabularySize);
  const positions = Int32Array.from({ length }, (_, index) => index);
  const outputs = tf.tidy(() => {
    const context = { segments: probeSegments(model, length), positions, ...evaluationMode(adapter) };
    const hidden = model.forward(embedded(model, ids, context), context); // [T, C]
    return classifier === null
      ? tf.logSoftmax(logitsOf(model, hidden, positions, context))
      : classifier.forward(hidden);
  });
  const values = (await outputs.data()) as Float32Array;
  outputs.dispose();
  return values;
}

/** One sequence; of an encoder–decoder half of it is a prompt. */
function probeSegments({ decoderStart }: Model, length: number): Segment[] {
  if (decoderStart === undefined) return [{ start: 0, length }];
  const prompt = length / 2;
  return [
    { start: 0, length: prompt },
    { start: prompt, length: prompt, source: 0 },
  ];
}
