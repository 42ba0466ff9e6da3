// SPDX-License-Identifier: Apache-2.0
/** Tiny models and expectations written by oracles/models/make_fixtures.py, and the passes that tests run on them. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readSafetensors, toFloat32, type HostTensor } from '@llmf/core';
import {
  type Segment,
  embedded,
  logitsOf,
  isMatrix,
  selectedLogProbs,
  tf,
  valueAndGradients,
  type ForwardContext,
  type Model,
  type LoadOptions,
  type WeightFormat,
} from '@llmf/nn';
import { architectures, createModelLoader } from '@llmf/models';

export const fixturesFolder = resolve(dirname(fileURLToPath(import.meta.url)), '../fixtures');
export const fixtureNames = readdirSync(fixturesFolder, { withFileTypes: true })
  .filter((entry) => existsSync(join(fixturesFolder, entry.name, 'expected.safetensors')))
  .map(({ name }) => name)
  .sort();
export const fixture = (name: string, ...parts: string[]) => join(fixturesFolder, name, ...parts);

export const configOf = (name: string) =>
  JSON.parse(readFileSync(fixture(name, 'config.json'), 'utf8')) as Record<string, unknown> & { model_type: string };

export function find(modelType: string) {
  const found = architectures.find(({ name }) => name === modelType);
  if (found === undefined) throw new Error(`no architecture ${modelType}`);
  return found;
}
export const loader = createModelLoader({ find });

/** Every matrix of a model kept in this format. */
export const everyMatrixIn =
  (format: WeightFormat): NonNullable<LoadOptions['formats']> =>
  (weights) =>
    new Map([...weights].filter(([, info]) => isMatrix(info)).map(([name]) => [name, { format, options: {} }]));

export const loadFixture = (folder: string, trainable = false, format?: WeightFormat): Promise<Model> =>
  loader.load(folder, { formats: format && everyMatrixIn(format), isTrainable: () => trainable, find });

/** What the oracle computed for a fixture. */
export class Expected {
  private constructor(
    private readonly name: string,
    private readonly tensors: Readonly<Record<string, HostTensor>>,
  ) {}

  static async read(name: string, file = 'expected.safetensors'): Promise<Expected> {
    return new Expected(name, await readSafetensors(fixture(name, file)));
  }

  get sequences(): Int32Array[] {
    return [0, 1].map((index) => this.ints(`ids.${index}`));
  }

  ints(key: string): Int32Array {
    return new Int32Array(this.tensors[key]!.data.slice().buffer);
  }

  values(key: string): Float32Array {
    return toFloat32(this.tensors[key]!);
  }

  /** Gradient of a parameter in the layout that llmf holds: GPT-2's matrices are [in, out] in the file. */
  gradient(parameter: string): Float32Array {
    const values = this.values(`grad.${parameter}`);
    const config = configOf(this.name);
    const { shape, transposedOnDisk } = find(config.model_type).weights(config).get(parameter)!;
    if (transposedOnDisk !== true) return values;
    const [outputs, inputs] = shape as [number, number];
    return values.map((_, place) => values[(place % inputs) * outputs + Math.floor(place / inputs)]!);
  }

  /** Keys below a prefix, without it. */
  keys(prefix: string): string[] {
    return Object.keys(this.tensors)
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }
}

export interface PackedRow {
  readonly ids: Int32Array;
  readonly segments: readonly Segment[];
  readonly positions: Int32Array;
}

/** Sequences one after the other, each from position 0. */
export function packed(sequences: readonly Int32Array[]): PackedRow {
  const segments: Segment[] = [];
  let start = 0;
  for (const { length } of sequences) {
    segments.push({ start, length });
    start += length;
  }
  const positions = sequences.flatMap((ids) => Array.from(ids, (_, index) => index));
  return {
    ids: Int32Array.from(sequences.flatMap((ids) => [...ids])),
    segments,
    positions: Int32Array.from(positions),
  };
}

export function contextOf(row: PackedRow, more: Partial<ForwardContext> = {}): ForwardContext {
  const randomKey = { seed: 0, stream: 'test', step: 0, microbatch: 0 };
  const plain = { adapter: null, training: false, randomKey, gradientCheckpointing: false };
  return { segments: row.segments, positions: row.positions, ...plain, ...more };
}

/** Logits of every token of the row, [T · V] on the host. */
export async function logits(model: Model, row: PackedRow, more: Partial<ForwardContext> = {}): Promise<Float32Array> {
  const result = tf.tidy(() => {
    const context = contextOf(row, more);
    const hidden = model.forward(embedded(model, row.ids, context), context);
    return logitsOf(
      model,
      hidden,
      Array.from(row.ids, (_, index) => index),
      contextOf(row, more),
    );
  });
  const values = (await result.data()) as Float32Array;
  result.dispose();
  return values.slice();
}

export interface LossAndGradients {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** Row `rows[s]` of the hidden states predicts token `targets[s]`. */
export interface Predictions {
  readonly rows: Int32Array;
  readonly targets: Int32Array;
}

/** Mean next-token cross-entropy over all tokens of the sequences and its gradients, by name. */
export function lossAndGradients(
  model: Model,
  variables: ReadonlyMap<string, tf.Variable>,
  sequences: readonly Int32Array[],
  more: Partial<ForwardContext> = {},
): Promise<LossAndGradients> {
  const row = packed(sequences);
  const last = new Set(row.segments.map(({ start, length }) => start + length - 1));
  const rows = Int32Array.from(row.ids.keys()).filter((index) => !last.has(index));
  return predictionLoss(model, variables, row, { rows, targets: rows.map((index) => row.ids[index + 1]!) }, more);
}

/** Mean cross-entropy of the predictions and its gradients, by name. */
export async function predictionLoss(
  model: Model,
  variables: ReadonlyMap<string, tf.Variable>,
  row: PackedRow,
  { rows, targets }: Predictions,
  more: Partial<ForwardContext> = {},
): Promise<LossAndGradients> {
  const names = new Map([...variables].map(([name, variable]) => [variable.id, name]));
  const tensors = new Map<string, tf.Tensor>();
  const { loss } = valueAndGradients(
    () => {
      const hidden = model.forward(model.embed(row.ids), contextOf(row, { training: true, ...more }));
      const { weight, bias, transform, softCap } = model.head;
      const seen = transform?.(hidden, contextOf(row, { training: true, ...more })) ?? hidden;
      const { logProb } = selectedLogProbs(seen, weight, rows, targets, { bias, softCap });
      return { loss: tf.neg(tf.mean(logProb)) as tf.Scalar };
    },
    variables.values(),
    (variable, gradient) => tensors.set(names.get(variable.id)!, gradient),
  );
  const gradients = new Map<string, Float32Array>();
  for (const [name, gradient] of tensors) {
    gradients.set(name, ((await gradient.data()) as Float32Array).slice());
    gradient.dispose();
  }
  const value = ((await loss.data()) as Float32Array)[0]!;
  loss.dispose();
  return { loss: value, gradients };
}

export const variablesOf = (model: Model): Map<string, tf.Variable> =>
  new Map([...model.parameters].map(([name, { value }]) => [name, value as tf.Variable]));

export const largestDifference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
};

const norm = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

/** ‖a − b‖ / ‖b‖; what is 0 but for rounding (softmax sees no bias of the keys) is compared with 10⁻³. */
export const relativeError = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  norm(Array.from(a, (value, index) => value - b[index]!)) / Math.max(norm(b), 1e-3);

/** A folder that is removed when the test file ends. */
export function scratchFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'llmf-models-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
