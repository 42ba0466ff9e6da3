// SPDX-License-Identifier: Apache-2.0
/** Models of packages/stages/fixtures (oracles/stages/make_fixtures.py), and what a term of a loss makes of rows. */
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { readSafetensors, toFloat32, type HostTensor } from '@llmf/core';
import { collate } from '@llmf/data';
import { architectures, createModelLoader } from '@llmf/models';
import { AttachedHead, tf, valueAndGradients, type Model, type Variable } from '@llmf/nn';
import {
  batchLogProbs,
  createTrainingHooks,
  evaluationMode,
  lossInputs,
  type Batch,
  type EncodedRow,
  type Loss,
  type LossResult,
} from '@llmf/training';

export const folderOf = (...parts: string[]) =>
  fileURLToPath(new URL(join('..', 'fixtures', ...parts), import.meta.url));
const find = (modelType: string) => architectures.find(({ name }) => name === modelType)!;
export const loader = createModelLoader({ find });

export interface Tiny {
  readonly model: Model;
  readonly heads: ReadonlyMap<string, AttachedHead>;
  readonly variables: ReadonlyMap<string, Variable>;
}

/** A folder's model with every weight trained, and its heads. */
export async function loadTiny(name: string): Promise<Tiny> {
  const folder = folderOf(name);
  const model = await loader.load(folder, { isTrainable: () => true, find });
  const saved = await loader.heads(folder);
  const heads = new Map(
    (saved?.heads ?? []).map((head) => [head.name, AttachedHead.load(head, model.hiddenSize, saved!)]),
  );
  const own = [...model.parameters.values()].map(({ name: key, value }) => [key, value as Variable] as const);
  return { model, heads, variables: new Map([...own, ...[...heads.values()].flatMap((head) => [...head.variables])]) };
}

export interface Expected {
  readonly rows: readonly Int32Array[];
  /** As the file has them, [N] or [N, K]. */
  readonly labels: { readonly values: Float32Array; readonly each: number };
  readonly loss: number;
  readonly logits: Float32Array;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

export async function expectedOf(name: string): Promise<Expected> {
  const tensors = await readSafetensors(folderOf(name, 'expected.safetensors'));
  const ids = tensors['ids']!;
  const flat = new Int32Array(ids.data.slice().buffer);
  const [count, length] = ids.shape as [number, number];
  const labels = toFloat32(tensors['labels']!);
  const gradients = Object.entries(tensors).filter(([key]) => key.startsWith('grad.'));
  return {
    rows: Array.from({ length: count }, (_, row) => flat.slice(row * length, (row + 1) * length)),
    labels: { values: labels, each: labels.length / count },
    loss: toFloat32(tensors['loss']!)[0]!,
    logits: toFloat32(tensors['logits']!),
    gradients: new Map(gradients.map(([key, tensor]) => [key.slice(5), unturned(key, tensor)])),
  };
}

/** GPT-2's Conv1D has its weights the other way round. */
function unturned(key: string, tensor: HostTensor): Float32Array {
  const values = toFloat32(tensor);
  if (!/\.c_(attn|proj|fc)\.weight$/.test(key)) return values;
  const [inputs, outputs] = tensor.shape as [number, number];
  return values.map((_, at) => values[(at % inputs) * outputs + Math.floor(at / inputs)]!);
}

/** Texts without a prompt, packed. */
export function packed({ rows, labels }: Pick<Expected, 'rows' | 'labels'>): Batch {
  const row = (ids: Int32Array, index: number): EncodedRow => ({
    index,
    prompt: new Int32Array(0),
    responses: [{ ids, counted: new Uint8Array(ids.length).fill(1), role: 'response' }],
    weight: 1,
    extras: {},
    labels: labels.values.slice(index * labels.each, (index + 1) * labels.each),
    media: [],
  });
  return collate(rows.map(row), { promptOnce: true });
}

export interface Outcome {
  readonly loss: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** The mean of a loss's items over a batch, its metrics, and the gradient of every weight. */
export function outcomeOf<Options>(
  { model, heads, variables }: Tiny,
  batch: Batch,
  loss: Loss<Options>,
  options: Options,
): Outcome {
  const { stats, span, pooling } = loss.needs(options);
  const names = new Map([...variables].map(([name, variable]) => [variable.id, name]));
  const gradients = new Map<string, Float32Array>();
  const metrics: Record<string, number> = {};
  const { loss: value } = valueAndGradients(
    () => {
      const policy = batchLogProbs(
        model,
        batch,
        { stats, span, pooling, heads },
        evaluationMode(null),
        createTrainingHooks(),
      );
      const result = loss.compute(lossInputs(batch, policy, null, { span }), options) as LossResult;
      for (const [name, { sum, count }] of Object.entries(result.metrics)) metrics[name] = sum.dataSync()[0]! / count;
      for (const [name, { sums, counts }] of Object.entries(result.ratios ?? {})) {
        const ratios = [...sums.dataSync()].map((sum, at) => sum / counts.dataSync()[at]!).filter(Number.isFinite);
        metrics[name] = ratios.reduce((total, each) => total + each, 0) / ratios.length;
      }
      return { loss: tf.mean(result.items) as tf.Scalar };
    },
    variables.values(),
    (variable, gradient) => {
      gradients.set(names.get(variable.id)!, gradient.dataSync().slice() as Float32Array);
      gradient.dispose();
    },
  );
  const [number] = value.dataSync();
  value.dispose();
  return { loss: number!, metrics, gradients };
}

/** The norm of the difference over that of what is expected. */
export function relativeError(got: Float32Array, expected: Float32Array): number {
  const norm = (values: Float32Array) => Math.sqrt(values.reduce((sum, each) => sum + each * each, 0));
  return norm(expected.map((each, at) => each - got[at]!)) / Math.max(norm(expected), 1e-12);
}
