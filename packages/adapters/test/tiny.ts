// SPDX-License-Identifier: Apache-2.0
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import type { HostTensor } from '@llmf/core';
import { architectures, createModelLoader } from '@llmf/models';
import {
  adamwStep,
  elementFormats,
  embedded,
  headInputs,
  headOf,
  isMatrix,
  logitsOf,
  selectedLogProbs,
  tf,
  valueAndGradients,
  type Adapter,
  type AttachedAdapter,
  type ForwardContext,
  type Model,
  type Tokenize,
  type Variable,
} from '@llmf/nn';

export const folderOf = (...parts: string[]) =>
  fileURLToPath(new URL(join('..', 'fixtures', ...parts), import.meta.url));
export const baseFolder = (name: string) =>
  fileURLToPath(new URL(join('../../models/fixtures', name), import.meta.url));
export const find = (modelType: string) => architectures.find(({ name }) => name === modelType)!;
export const loader = createModelLoader({ find });
export const key = { seed: 1, stream: 'adapter', step: 0, microbatch: 0 };

/** A tiny model of packages/models/fixtures, frozen; its matrices in `format` where one is named. */
export function loadTiny(base: string, format?: string): Promise<Model> {
  const chosen = elementFormats.find(({ name }) => name === format);
  return loader.load(baseFolder(base), {
    isTrainable: () => false,
    find,
    formats:
      chosen &&
      ((weights) =>
        new Map(
          [...weights].flatMap(([name, info]) =>
            isMatrix(info) ? [[name, { format: chosen, options: {} }] as const] : [],
          ),
        )),
  });
}

/** A new adapter of a kind with these options, as a run attaches it. */
export async function attached(
  kind: Adapter,
  model: Model,
  options: Record<string, unknown>,
  tokenize?: Tokenize,
): Promise<AttachedAdapter> {
  const { data } = kind.options!.safeParse(options) as { readonly data: Record<string, unknown> };
  return (await kind.attach(model, data, key, '.', tokenize))!;
}

export const contextOf = (adapter: AttachedAdapter | null, length: number, training = false): ForwardContext => ({
  adapter,
  segments: [{ start: 0, length }],
  positions: Int32Array.from({ length }, (_, at) => at),
  training,
  randomKey: key,
  gradientCheckpointing: false,
});

export function logits(model: Model, adapter: AttachedAdapter | null, ids: Int32Array): Float32Array {
  return tf.tidy(() => {
    const context = contextOf(adapter, ids.length);
    const hidden = model.forward(embedded(model, ids, context), context);
    return logitsOf(model, hidden, [...ids.keys()], context)
      .dataSync()
      .slice() as Float32Array;
  });
}

export const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, value, at) => Math.max(most, Math.abs(value - b[at]!)), 0);

export const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

export const intsOf = ({ data }: HostTensor) => new Int32Array(data.slice().buffer);

/** Losses of `steps` steps on the mean likelihood of one row's tokens but the first. */
export function train(model: Model, adapter: AttachedAdapter, ids: Int32Array, steps: number): number[] {
  const names = new Map([...adapter.variables].map(([name, variable]) => [variable.id, name]));
  const states = new Map([...adapter.variables].map(([name, variable]) => [name, stateOf(variable)]));
  const rows = Int32Array.from({ length: ids.length - 1 }, (_, at) => at);
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const gradients = new Map<string, tf.Tensor>();
    const { loss } = valueAndGradients(
      () => {
        const context = contextOf(adapter, ids.length, true);
        const hidden = model.forward(embedded(model, ids, context), context);
        const read = headInputs(headOf(model, adapter), hidden, context);
        const { logProb } = selectedLogProbs(read.hidden, read.weight, rows, ids.slice(1));
        return { loss: tf.neg(tf.mean(logProb)) as tf.Scalar };
      },
      adapter.variables.values(),
      (variable, gradient) => void gradients.set(names.get(variable.id)!, gradient),
    );
    losses.push(loss.dataSync()[0]!);
    const parameters = [...adapter.variables].map(([name, parameter]) => {
      return { parameter, gradient: gradients.get(name)!, ...states.get(name)!, weightDecay: 0 };
    });
    adamwStep(parameters, { learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, step });
    tf.dispose([loss, ...gradients.values()]);
  }
  for (const { m, v } of states.values()) tf.dispose([m, v]);
  return losses;
}

const stateOf = ({ shape }: Variable) =>
  tf.tidy(() => ({ m: tf.variable(tf.zeros(shape)), v: tf.variable(tf.zeros(shape)) }));
