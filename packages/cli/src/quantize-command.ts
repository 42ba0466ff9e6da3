// SPDX-License-Identifier: Apache-2.0
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findNamed, formatBytes, readSection, refuseWeights } from '@llmf/core';
import {
  ModelLoaderToken,
  modelSection,
  packedOf,
  WeightFormatToken,
  WeightLayoutToken,
  type Model,
  type PackedWeight,
  type SaveOptions,
  type WeightFormat,
} from '@llmf/nn';
import { checkFiles, loadModel } from '@llmf/training';
import { cliErrors } from './cli-errors.js';
import { openInference, type Inference } from './inference.js';
import type { CliIo } from './io.js';

export interface QuantizeFlags {
  readonly model: string;
  readonly format: string;
  readonly output: string;
  readonly plugin?: readonly string[];
}

/** Writes a model folder in a format of fewer bits, weight by weight as it is loaded; it is read again before it appears. */
export async function quantizeCommand(
  io: CliIo,
  settings: readonly string[],
  { model, format: name, output: given, plugin: plugins = [] }: QuantizeFlags,
): Promise<void> {
  const output = resolve(io.folder, given);
  await refuseWeights(output);
  const config = { quantization: { name } };
  const settable = ['model.maxShardSize'];
  const request = {
    model,
    backend: 'js',
    plugins,
    precision: 'f32',
    settings,
    settable,
    config,
    command: 'llmf quantize',
  };
  const quiet = { info: () => {}, warn: () => {} }; // of a backend that only loads, what products would cost is no news
  const inference = await openInference(io, request, quiet);
  try {
    const format = findNamed(inference.run.container, WeightFormatToken, name, '--format');
    const { count, size } = await save(inference, format, output);
    io.out.write(`${count} weights in ${format.name}: ${given} (${size}), read back\n`);
  } finally {
    await inference.close();
  }
}

/** How many weights it keeps in the format, and how large the files are. @throws LLMF_CLI_READ_BACK */
async function save(
  inference: Inference,
  format: WeightFormat,
  output: string,
): Promise<{ count: number; size: string }> {
  const { run, folder, model } = inference;
  let [count, size] = [0, ''];
  const verify = async (written: string) => {
    await checkFiles(run);
    count = await compare(inference, format, written, output);
    size = await sizeOf(written);
  };
  const dtype = format.dtype as Exclude<SaveOptions['dtype'], 'auto'> | undefined;
  const layout = dtype === undefined ? layoutOf(run, format) : null;
  const { maxShardSize } = readSection(run.config, modelSection);
  const how = { source: folder, verify, dtype: dtype ?? ('auto' as const), maxShardSize };
  const options = { ...how, ...(layout === null ? {} : { layout }) };
  await run.container.resolve(ModelLoaderToken).save(model, output, options);
  return { count, size };
}

/** @throws LLMF_CLI_NO_LAYOUT */
function layoutOf({ container, config }: Inference['run'], format: WeightFormat): NonNullable<SaveOptions['layout']> {
  const writers = container
    .resolveAll(WeightLayoutToken)
    .flatMap(({ writes }) => (writes === undefined ? [] : [writes]));
  const writer = writers.find(({ formats }) => formats.includes(format.name));
  if (writer !== undefined) return { writer, options: config.choices['quantization']![0]!.options };
  const known = [...writers.flatMap(({ formats }) => formats), 'bf16', 'f16', 'f32'];
  throw cliErrors.noLayout({ format: format.name, known });
}

/** Loads the new folder and compares what it keeps in the format; how many weights that are. */
async function compare(
  { run, model }: Inference,
  format: WeightFormat,
  written: string,
  output: string,
): Promise<number> {
  const saved = await loadModel(run, written, { quantization: null });
  const kept = weightsIn(model, format);
  const again = weightsIn(saved, format);
  const wrong = [...kept].find(([name, weight]) => !isSame(weight, again.get(name)));
  saved.dispose();
  if (wrong !== undefined && format.dtype === undefined) throw cliErrors.readBack({ folder: output, weight: wrong[0] });
  return format.dtype === undefined ? again.size : model.parameters.size;
}

function weightsIn({ parameters }: Model, format: WeightFormat): Map<string, PackedWeight> {
  const entries = [...parameters.values()].flatMap(({ name, value }) => {
    const packed = packedOf(value);
    return packed?.format.name === format.name ? [[name, packed] as const] : [];
  });
  return new Map(entries);
}

function isSame({ parts }: PackedWeight, other: PackedWeight | undefined): boolean {
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);
  return Object.entries(parts).every(([name, part]) => {
    const same = other?.parts[name];
    return same !== undefined && bytes(part).equals(bytes(same));
  });
}

/** Of the weight files of a folder. */
async function sizeOf(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.safetensors'));
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size));
  return formatBytes(
    sizes.reduce((sum, size) => sum + size, 0),
    { binary: true },
  );
}
